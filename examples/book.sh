#!/bin/sh
# Finds a free time, books it, moves it and cancels it, with curl.
# The address of Daybook is DAYBOOK_URL, the access token of the caller DAYBOOK_TOKEN. Needs curl 7.76 or newer, and any Node, which reads the JSON.
set -eu

API=${DAYBOOK_URL:-http://127.0.0.1:8080}/api/v1
AUTHORIZATION="Authorization: Bearer ${DAYBOOK_TOKEN:?set it to an access token}"

# A response that is not 2xx ends the script, with the reason in the body.
get() { curl -sS --fail-with-body --max-time 10 -H "$AUTHORIZATION" "$API/$1"; }

# A key for each request makes it safe to send the request again: Daybook then repeats the first response.
post() {
  curl -sS --fail-with-body --max-time 10 --retry 2 "$API/$1" \
    -H "$AUTHORIZATION" -H 'Content-Type: application/json' -H "Idempotency-Key: $(node -pe 'crypto.randomUUID()')" -d "$2"
}

# Prints a field of the JSON on standard input.
field() { node -pe "JSON.parse(require('fs').readFileSync(0)).$1"; }
in_days() { node -pe "new Date(Date.now() + $1 * 864e5).toISOString()"; }

doctor=$(get 'doctors?specialty=cardiology' | field 'items[0].id')
patient=$(post patients/search '{"q":"silva"}' | field 'items[0].id')
type=$(get appointment-types | field 'items[0].id')

slots=$(get "slots?doctorId=$doctor&appointmentTypeId=$type&from=$(in_days 1)&to=$(in_days 8)")
first=$(echo "$slots" | field 'items[0].start')
later=$(echo "$slots" | field 'items.at(-1).start')

appointment=$(post appointments \
  "{\"patientId\":\"$patient\",\"doctorId\":\"$doctor\",\"appointmentTypeId\":\"$type\",\"start\":\"$first\"}")
id=$(echo "$appointment" | field id)
echo "booked at $(echo "$appointment" | field start): appointment $id"

echo "moved to $(post "appointments/$id/reschedule" "{\"start\":\"$later\"}" | field start)"
echo "now $(post "appointments/$id/cancel" '{"reason":"only an example"}' | field status)"
get "appointments/$id/history" | field 'items.map(({ action }) => action).join(", ")'
