// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code
/**
 * Daybook without one of its conditions of access: each predicate of ownership, the order "permission before replay", and
 * what each role does not see. Each mutant names the tests of its service that have to notice.
 */
export interface AccessMutant {
  readonly name: string;
  readonly file: string;
  /** Has to be there, once. */
  readonly from: string;
  readonly to: string;
  readonly tests: readonly string[];
  /** Whether it is in the short run of each change. */
  readonly isSample: boolean;
}

type Change = readonly [name: string, from: string, to: string, tests?: readonly string[]];

/** The names of the mutants that each change of the code runs: one for each service. */
const SAMPLE = [
  'appointment: a patient reaches every appointment',
  'patient: a patient reaches every record',
  'doctor: a doctor changes every calendar',
  'notification: a patient reads the messages of all',
  'identity: an account reaches all others',
  'order: a stored response precedes the permission',
];

const mutantsOf = (service: string, file: string, tests: readonly string[], changes: readonly Change[]) =>
  changes.map(([name, from, to, otherTests]): AccessMutant => {
    const whole = `${service}: ${name}`;
    return { name: whole, file, from, to, tests: otherTests ?? tests, isSample: SAMPLE.includes(whole) };
  });

const APPOINTMENT = 'services/appointment/src';
const OF_APPOINTMENT = [`${APPOINTMENT}/access.test.ts`];
const ofAppointment = (file: string, changes: readonly Change[]) =>
  mutantsOf('appointment', `${APPOINTMENT}/${file}`, OF_APPOINTMENT, changes);

const appointmentStores = [
  ...ofAppointment('store/ownership.ts', [
    [
      'a patient reaches every appointment',
      `return where('appointments.patient_id', 'in', own.patientIds.map(idToBytes));`,
      'return sql`1 = 1`;',
    ],
    [
      'a doctor reaches every appointment',
      `if ('doctorId' in own) return where('appointments.doctor_id', '=', idToBytes(own.doctorId));`,
      `if ('doctorId' in own) return sql\`1 = 1\`;`,
    ],
    ['a patient without records reaches every appointment', 'return sql`1 = 0`;', 'return sql`1 = 1`;'],
    [
      'everybody reads every history',
      `if (ownRecordsOf(caller) === 'all') return () => sql\`1 = 1\`;`,
      'if (caller) return () => sql`1 = 1`;',
    ],
    [
      'an own appointment opens every history',
      `.whereRef('appointments.id', '=', 'appointment_history.appointment_id')`,
      '',
    ],
    [
      'everybody reaches every hold',
      `(ownRecordsOf(caller) === 'all' ? sql\`1 = 1\` : where('holds.caller_id', '=', caller.id))`,
      '(where && sql`1 = 1`)',
    ],
  ]),
  ...ofAppointment('store/appointments.ts', [
    [
      'a read has no predicate',
      `.where('id', '=', idToBytes(id))
          .where(isOwn(caller))`,
      `.where('id', '=', idToBytes(id))`,
    ],
    [
      'every doctor treats every patient',
      `.where(isOwn(caller))
          .where('ends_at', '>', since)`,
      `.where('ends_at', '>', since)`,
    ],
    [
      'a patient has any number of upcoming appointments',
      `if (caller.role === 'patient') await checkUpcoming`,
      'if (caller === undefined) await checkUpcoming',
    ],
    [
      'the appointments of all patients count for one',
      `    .where('patient_id', '=', patient)
    .where('starts_at', '>', now)`,
      `    .where('starts_at', '>', now)`,
    ],
  ]),
  ...ofAppointment('store/appointment-changes.ts', [['a change has no predicate', '    .where(isOwn(caller))\n', '']]),
  ...ofAppointment('store/appointment-history.ts', [
    [
      'a history has no predicate',
      `        .where(isOfOwn(caller))
        .orderBy('version')`,
      `        .orderBy('version')`,
    ],
    [
      'the last actions have no predicate',
      `          .where(isOfOwn(caller))
          .where('version', '<', before)`,
      `          .where('version', '<', before)`,
    ],
  ]),
  ...ofAppointment('store/appointment-list.ts', [
    [
      'a list shows patients what staff sees',
      '(row) => visibleTo(caller, toAppointment(row)),',
      '(row) => toAppointment(row),',
    ],
  ]),
  ...ofAppointment('store/holds.ts', [
    ['holds have no predicate', '.where(isOwnHold(caller))', ''],
    [
      'a booking uses the hold of another caller',
      `    .where('caller_id', '=', callerId)
    .where('expires_at', '>', now)`,
      `    .where('expires_at', '>', now)`,
      [...OF_APPOINTMENT, `${APPOINTMENT}/routes/holds.test.ts`],
    ],
    [
      'the holds of all callers count for one',
      `    .where('caller_id', '=', callerId)
    .where('ordinal', 'is not', null)`,
      `    .where('ordinal', 'is not', null)`,
      [...OF_APPOINTMENT, `${APPOINTMENT}/routes/holds.test.ts`],
    ],
    [
      'a patient has any number of holds',
      `const isLimited = caller.role === 'patient';`,
      'const isLimited = caller === undefined;',
      [...OF_APPOINTMENT, `${APPOINTMENT}/routes/holds.test.ts`],
    ],
  ]),
  ...ofAppointment('store/recent-holds.ts', [
    [
      'the recent holds of all callers count for one',
      `    .select(['ordinal', 'held_at'])
    .where('caller_id', '=', callerId)`,
      `    .select(['ordinal', 'held_at'])`,
      [...OF_APPOINTMENT, `${APPOINTMENT}/routes/holds.test.ts`],
    ],
  ]),
  ...ofAppointment('store/appointment-types.ts', [
    ['a patient reads inactive types', `role === 'patient';`, `role === 'service';`],
  ]),
];

const appointmentRules = [
  ...ofAppointment('domain/ownership.ts', [
    [
      'each patient owns all',
      `if (role === 'patient') return {`,
      `if (role === 'patient' && patientIds.length < 0) return {`,
    ],
    [
      'each doctor owns all',
      `if (role === 'doctor') return doctorId`,
      `if (role === 'doctor' && !doctorId) return doctorId`,
    ],
    ['a doctor without a record owns all', '? NOTHING :', `? 'all' :`],
    ['a patient acts for every patient', `if (caller.role !== 'patient') return true;`, 'if (caller) return true;'],
    ['a doctor uses every calendar', `if (caller.role !== 'doctor') return true;`, 'if (caller) return true;'],
    ['a list is not restricted', `  if (own === 'all') return requested;`, '  if (own) return requested;'],
    ['a list of a doctor is of all doctors', '? { ...requested, doctorId: own.doctorId }', '? requested'],
  ]),
  ...ofAppointment('domain/booking/permissions.ts', [
    [
      'a patient books a walk-in',
      'if (walkIn) permit(caller, CLINIC_STAFF);',
      'if (walkIn) permit(caller, ROLES);',
      [...OF_APPOINTMENT, `${APPOINTMENT}/routes/walk-ins.test.ts`],
    ],
    [
      'a patient overbooks',
      'if (overbooking) permit(caller, CLINIC_STAFF);',
      'if (overbooking) permit(caller, ROLES);',
      [...OF_APPOINTMENT, `${APPOINTMENT}/routes/overbooking.test.ts`],
    ],
    [
      'a stored overbooking is replayed to a patient',
      'isForOverbooking(request) || isForWalkIn(request) ? CLINIC_STAFF : ROLES',
      'isForOverbooking(request) || isForWalkIn(request) ? ROLES : ROLES',
      [...OF_APPOINTMENT, `${APPOINTMENT}/routes/overbooking.test.ts`, `${APPOINTMENT}/routes/walk-ins.test.ts`],
    ],
    [
      'a patient books for every patient',
      'if (patientId !== undefined && !actsFor(caller, patientId))',
      'if (patientId === caller.id && !actsFor(caller, patientId))',
    ],
    [
      'a doctor books in every calendar',
      'if (doctorId !== undefined && !usesCalendarOf(caller, doctorId))',
      'if (doctorId === caller.id && !usesCalendarOf(caller, doctorId))',
    ],
    ['a patient changes the note', `if (role === 'patient' && (patch.note`, `if (role === 'service' && (patch.note`],
  ]),
  ...ofAppointment('domain/booking/lifecycle.ts', [
    [
      'a patient moves and cancels after the deadline',
      `if (role === 'patient' && now.epochMilliseconds > deadline)`,
      `if (role === 'service' && now.epochMilliseconds > deadline)`,
    ],
  ]),
  ...ofAppointment('domain/slots/explanation.ts', [
    [
      'a doctor gets explanations for every calendar',
      `if (!usesCalendarOf(caller, doctorId)) return 'doctor-not-found';`,
      '',
    ],
    [
      'a patient gets explanations for every patient',
      `if (!actsFor(caller, patientId)) return 'patient-not-found';`,
      '',
    ],
    [
      'a doctor gets explanations for every patient',
      `caller.role === 'doctor' && !(await store.treats(caller, patientId)) ? 'patient-not-found' : undefined`,
      `(await store.treats(caller, patientId)) ? undefined : undefined`,
    ],
  ]),
  ...ofAppointment('domain/booking/booking-request.ts', [
    [
      'a patient learns of inactive doctors',
      `doctor === undefined || (role === 'patient' && !doctor.active)`,
      `doctor === undefined || (role === 'service' && !doctor.active)`,
      [...OF_APPOINTMENT, `${APPOINTMENT}/routes/slots.test.ts`, `${APPOINTMENT}/routes/booking.test.ts`],
    ],
    [
      'a patient learns when a doctor works',
      `code === 'outside-availability' ? 'slot-taken' : code`,
      `code === 'outside-availability' ? code : code`,
      [...OF_APPOINTMENT, `${APPOINTMENT}/routes/slot-explanation.test.ts`, `${APPOINTMENT}/routes/booking.test.ts`],
    ],
  ]),
  ...ofAppointment('domain/visibility.ts', [
    ['a patient reads notes', 'if (CLINIC_STAFF.includes(role)) return appointment;', 'if (role) return appointment;'],
    [
      'a patient reads reasons about doctors',
      'reasons.filter((code) => REASONS_FOR_PATIENTS.includes(code))',
      'reasons.filter((code) => code)',
      [`${APPOINTMENT}/domain/visibility.test.ts`],
    ],
    ['a service reads reasons of visits', '  return times;', '  return forPatients;'],
    ['a patient reads the history of staff', 'CLINIC_STAFF.includes(role) ? [...entries]', 'role ? [...entries]'],
    ['a patient learns when a note changed', `filter((field) => field !== 'note')`, 'filter((field) => field)'],
  ]),
];

const order = [
  ...mutantsOf('order', `${APPOINTMENT}/routes/appointments.ts`, OF_APPOINTMENT, [
    [
      'a stored booking precedes the permission',
      `      // Before a stored response is replayed.
      permitParticipants(request.caller, request.body);
`,
      '',
    ],
    [
      'a stored first-free booking precedes the permission',
      `      permitParticipants(request.caller, request.body);
      await replyIdempotently(request, reply, database, booked, (write) =>
        bookFirstFree(`,
      `      await replyIdempotently(request, reply, database, booked, (write) =>
        bookFirstFree(`,
    ],
  ]),
  ...mutantsOf('order', `${APPOINTMENT}/routes/holds.ts`, OF_APPOINTMENT, [
    ['a stored hold precedes the permission', '      permitParticipants(request.caller, request.body);\n', ''],
  ]),
  ...mutantsOf('order', `${APPOINTMENT}/routes/appointment-actions.ts`, OF_APPOINTMENT, [
    [
      'a stored action precedes the permission',
      `if (ownRecordsOf(caller) !== 'all' && !(await store.find(caller, id)))`,
      `if (ownRecordsOf(caller) !== 'all' && id === '')`,
    ],
  ]),
  ...mutantsOf(
    'order',
    'services/doctor/src/routes/exceptions.ts',
    ['services/doctor/src/access.test.ts'],
    [['a stored exception precedes the permission', '      assertOwnDoctor(caller, params.id);\n', '']],
  ),
  ...mutantsOf(
    'order',
    'packages/service/src/http/idempotency.ts',
    ['packages/service/src/http/idempotency.test.ts', 'packages/service/src/access/access-control.test.ts'],
    [
      ['a stored response precedes the permission', '  permit(request.caller, rolesOf(request));\n', ''],
      [
        'a stored response is replayed under another role',
        '${request.caller.role} ${request.method}',
        '${request.method}',
        [...OF_APPOINTMENT, 'packages/service/src/http/idempotency.test.ts'],
      ],
      [
        'a stored response is replayed to every caller',
        'const callerId = request.caller.id;',
        `const callerId = 'anybody';`,
        ['packages/service/src/http/idempotency.test.ts'],
      ],
    ],
  ),
];

const OF_CONTROL = ['packages/service/src/access/access-control.test.ts'];
const control = [
  ...mutantsOf('table', 'packages/service/src/access/access-control.ts', OF_CONTROL, [
    ['an operation is for all who have a token', `if (access.reach === 'none') {`, 'if (caller === undefined) {'],
    [
      'an operation is for anonymous requests',
      `if (access.reach === 'none') {`,
      `if (access.reach === 'none' && caller) {`,
    ],
    [
      'the public page is always open',
      'return isOfPublicPage && !hasPublicPage ? NO_ACCESS : access;',
      'return access;',
    ],
    ['the last of several tokens counts', 'if (count > 1)', 'if (count > 2)'],
  ]),
  ...mutantsOf(
    'table',
    'packages/contracts/src/access-table.ts',
    ['packages/contracts/src/access-table.test.ts'],
    [
      [
        'a service needs no scope',
        'return isService && caller.scope?.includes(operationId) ? access : NONE;',
        'return isService ? access : NONE;',
      ],
      ['every service counts as the named one', 'return isService && caller.scope', 'return caller.scope'],
      ['an operation without a row is for all', '?.[role] ?? NONE;', '?.[role] ?? all();'],
    ],
  ),
];

const PATIENT = 'services/patient/src';
const OF_PATIENT = [`${PATIENT}/access.test.ts`, `${PATIENT}/store/ownership.test.ts`];
const ofPatient = (file: string, changes: readonly Change[]) =>
  mutantsOf('patient', `${PATIENT}/${file}`, OF_PATIENT, changes);
const patients = [
  ...ofPatient('store/ownership.ts', [
    [
      'a patient reaches every record',
      `if (role === 'patient') return [isOfAccount(patientIds)];`,
      `if (role === 'patient') return [];`,
    ],
    [
      'a patient without records reaches all',
      'if (patientIds.length === 0) return NOBODY;',
      'if (patientIds.length === 0) return sql<boolean>`1 = 1`;',
    ],
    [
      'a merged record of others is reached',
      'where absorbed.id in (${ids}) and absorbed.replaced_by is not null))`',
      'where absorbed.replaced_by is not null))`',
    ],
    ['a doctor reaches every record', `['front-desk', 'administrator'];`, `['front-desk', 'administrator', 'doctor'];`],
    ['a role without a rule reaches every record', ': NOBODY];', ': sql<boolean>`1 = 1`];'],
    [
      'each doctor treats the patients of all',
      'care_relationships.doctor_id = ${idToBytes(doctorId)} and care_relationships.active = 1',
      '${idToBytes(doctorId)} is not null and care_relationships.active = 1',
    ],
    ['a cancelled visit gives access', ' and care_relationships.active = 1', ''],
    [
      'access after a visit has no end',
      'and care_relationships.ends_at > ${now.epochMilliseconds}`',
      'and ${now.epochMilliseconds} > 0`',
    ],
    [
      'one patient gives access to all',
      'where ${isInForce(doctorId, now)} and care_relationships.patient_id = ${sql.ref(id)} limit 1',
      'where ${isInForce(doctorId, now)} and ${sql.ref(id)} is not null limit 1',
    ],
  ]),
  ...ofPatient('store/patients.ts', [
    [
      'a read has no predicate',
      `for (const condition of reachOf(caller, clock())) query = query.where(condition);`,
      '',
    ],
    ['a change has no predicate', 'idToBytes(id), reachOf(caller, now));', 'idToBytes(id), []);'],
    ['a patient changes the record that replaced the own one', 'assertLinked(caller, row);', ''],
    [
      'a patient changes more than contacts',
      `if (caller.role === 'patient') assertContactsOnly`,
      `if (caller.role === 'service') assertContactsOnly`,
      [...OF_PATIENT, `${PATIENT}/routes/patients.test.ts`],
    ],
  ]),
  ...ofPatient('store/patient-search.ts', [
    ['a search has no predicate', 'for (const condition of reachOf(caller, now)) found = found.where(condition);', ''],
  ]),
  ...ofPatient('store/duplicates.ts', [
    [
      'a possible duplicate names candidates to all',
      `  if (!seesOtherRecords(caller)) return error;
  return new Refusal(error.code, error.message, {
    candidates: await candidatesOf(database, names, reachOf(caller, now)),`,
      `  return new Refusal(error.code, error.message, {
    candidates: await candidatesOf(database, names, []),`,
      [...OF_PATIENT, `${PATIENT}/routes/possible-duplicate.test.ts`],
    ],
  ]),
];

const DOCTOR = 'services/doctor/src';
const OF_DOCTOR = [`${DOCTOR}/access.test.ts`];
const ofDoctor = (file: string, changes: readonly Change[]) =>
  mutantsOf('doctor', `${DOCTOR}/${file}`, OF_DOCTOR, changes);
const doctors = [
  ...ofDoctor('store/ownership.ts', [
    ['a doctor changes every calendar', 'return [sql<boolean>`doctors.id = ${idToBytes(doctorId)}`];', 'return [];'],
    ['a role without a rule changes every doctor', 'return [NOBODY];', 'return [];'],
    [
      'a doctor has the rights of the front desk',
      `['front-desk', 'administrator'];`,
      `['front-desk', 'administrator', 'doctor'];`,
    ],
    [
      'an exception of another is replayed',
      `if (role !== 'doctor' || doctorId !== id.toLowerCase()) throw`,
      `if (role !== 'doctor' || doctorId === '') throw`,
    ],
    ['a patient sees contacts and inactive doctors', `=> role === 'patient';`, `=> role === 'service';`],
  ]),
  ...ofDoctor('store/doctor-version.ts', [
    ['a change has no predicate', 'for (const condition of ownDoctor(caller)) query = query.where(condition);', ''],
  ]),
  ...ofDoctor('store/doctors.ts', [
    ['a patient reads an inactive doctor', `.$if(isPublic, (query) => query.where('active', '=', 1))`, ''],
    [
      'a patient reads contacts of one doctor',
      'return row && (isPublic ? toPublicDoctor(row) : toDoctor(row));',
      'return row && toDoctor(row);',
    ],
    [
      'a patient lists inactive doctors',
      'if (query.active === false) return { items: [] };',
      'if (query.active === false) return searchDoctors(database, query, toPublicDoctor);',
    ],
    [
      'a patient lists contacts',
      '{ ...query, active: true }, toPublicDoctor)',
      '{ ...query, active: true }, toDoctor)',
    ],
    [
      'a doctor changes more than contacts',
      `if (caller.role === 'doctor') assertContactsOnly`,
      `if (caller.role === 'service') assertContactsOnly`,
    ],
  ]),
  ...ofDoctor('store/exceptions.ts', [
    [
      'a doctor reads the reasons of others',
      `caller.role !== 'doctor' || caller.doctorId === idFromBytes(doctor_id)`,
      `caller.role !== 'service' || caller.doctorId === idFromBytes(doctor_id)`,
    ],
  ]),
];

const NOTIFICATION = 'services/notification/src';
const notifications = mutantsOf(
  'notification',
  `${NOTIFICATION}/store/messages.ts`,
  [`${NOTIFICATION}/access.test.ts`],
  [
    [
      'a patient reads the messages of all',
      `if (isPatient) return (where) => where('messages.patient_id', 'in', patientIds.map(idToBytes));`,
      'if (isPatient) return () => sql`1 = 1`;',
    ],
    [
      'a caller without records reads all',
      `if (role !== 'doctor' || doctorId === undefined) return () => sql\`1 = 0\`;`,
      `if (role !== 'doctor' || doctorId === undefined) return () => sql\`1 = 1\`;`,
    ],
    [
      'a doctor reads the messages of all',
      `if (role === 'front-desk' || role === 'administrator')`,
      `if (role === 'front-desk' || role === 'administrator' || role === 'doctor')`,
    ],
    ['a former doctor reads on', `        .orderBy('newest.sequence', 'desc')`, `        .orderBy('newest.sequence')`],
    ['a message about one appointment opens all', `.where('newest.appointment_id', '=', appointmentId)`, ''],
    ['messages have no predicate', '.where(isOwn(caller, idToBytes(appointmentId)))', ''],
  ],
);

const IDENTITY = 'services/identity/src';
const OF_IDENTITY = [`${IDENTITY}/api/api.test.ts`];
const ofIdentity = (file: string, changes: readonly Change[]) =>
  mutantsOf('identity', `${IDENTITY}/${file}`, OF_IDENTITY, changes);
const identity = [
  ...ofIdentity('api/api-context.ts', [
    [
      'an account reaches all others',
      '(own === undefined ? await accounts.find(id) : id === own)',
      '(own === undefined ? await accounts.find(id) : id)',
    ],
    [
      'every account reaches all',
      `(access.reach === 'all' ? undefined : account.id)`,
      `(access.reach === 'none' ? account.id : undefined)`,
    ],
    [
      'an ended session is accepted',
      'if (sessionId !== undefined && signedIn?.account.id !== caller.id)',
      'if (sessionId === "" && signedIn?.account.id !== caller.id)',
    ],
    [
      'a disabled account is accepted',
      `if (account?.status !== 'active' || account.role !== caller.role)`,
      `if (account?.role !== caller.role)`,
    ],
    [
      'an account keeps the role of its token',
      `if (account?.status !== 'active' || account.role !== caller.role)`,
      `if (account?.status !== 'active')`,
    ],
    ['an old sign-in counts as recent', 'if (age > RECENT_MILLIS)', 'if (age < 0)'],
  ]),
  ...ofIdentity('store/record-access.ts', [
    [
      'an account lists who acts for every patient',
      `.$if(own !== undefined, (query) => query.where(actsFor(own ?? '', patientId, false)))`,
      '',
    ],
    [
      'an account ends links to every record',
      `.$if(own !== undefined && own !== accountId, (query) => query.where(actsFor(own ?? '', patientId, true)))`,
      '',
    ],
    [
      'a guardian ends the links of others',
      `actsFor(own ?? '', patientId, true)`,
      `actsFor(own ?? '', patientId, false)`,
    ],
    [
      'a link that has ended opens the list',
      '(mine.ends_at is null or mine.ends_at > ${now()})',
      '(mine.ends_at is null or mine.ends_at > ${now() - now()})',
    ],
    [
      'a link to one record opens all',
      '\n      and mine.patient_id = ${idToBytes(patientId)} and',
      ' and ${idToBytes(patientId)} is not null and',
    ],
  ]),
  ...ofIdentity('store/audit.ts', [
    [
      'an account reads the entries of another account',
      'ofAccount.toLowerCase() !== own) return { items: [] };',
      'ofAccount === "") return { items: [] };',
    ],
    [
      'an account learns who acted',
      'actorId.toLowerCase() !== own) return { items: [] };',
      'actorId === "") return { items: [] };',
    ],
    [
      'an account reads the entries of every patient',
      'if (own !== undefined) ofPatient = ofPatient.where(actsFor(own, sql<Uint8Array>`${patient}`));',
      '',
    ],
    [
      'an account reads which other patients an entry names',
      'if (own !== undefined) query = query.where(actsFor(own, sql<Uint8Array>`audit_patients.patient_id`));',
      '',
    ],
    ['an account without a filter reads all entries', '(accountId ?? own)', 'accountId'],
    ['an account reads ids of staff', '(own === undefined || own === actorId) && ', ''],
  ]),
  ...ofIdentity('store/sessions.ts', [
    [
      'an account ends the sessions of others',
      `          .where('id_hash', '=', hashOfHandle(handle))
          .where('account_id', '=', idToBytes(accountId))`,
      `          .where('id_hash', '=', hashOfHandle(handle))`,
    ],
  ]),
  ...ofIdentity('api/patient-links.ts', [
    ['a code links the account of another', 'if (id !== person.account.id)', 'if (id === "")'],
    ['a link code needs no recent sign-in', '      requireRecentSignIn(context, person);\n', ''],
  ]),
  ...ofIdentity('api/invitations.ts', [
    [
      'the front desk invites staff',
      `person.access.conditions.includes('invites-patients-only') && input.role !== 'patient'`,
      `person.access.conditions.includes('public-page') && input.role !== 'patient'`,
    ],
    [
      'an invitation with a patient needs no recent sign-in',
      'if (input.patient) requireRecentSignIn',
      'if (input.patient && !person) requireRecentSignIn',
    ],
  ]),
  ...ofIdentity('api/recovery-links.ts', [
    [
      'the front desk recovers accounts of staff',
      `person.access.conditions.includes('invites-patients-only')`,
      `person.access.conditions.includes('public-page')`,
    ],
    ['a recovery link needs no recent sign-in', '      requireRecentSignIn(context, person);\n', ''],
    ['an administrator recovers the own account', 'if (account.id === person.account.id)', 'if (account.id === "")'],
  ]),
  ...mutantsOf('identity', 'packages/contracts/src/access-table.ts', OF_IDENTITY, [
    ['the front desk lists accounts', 'listAccounts: ADMINISTRATOR', 'listAccounts: DESK'],
    ['the front desk changes accounts', 'changeAccount: ADMINISTRATOR', 'changeAccount: DESK'],
    [
      'the front desk reads the audit trail',
      'searchAudit: { patient: own(), ...ADMINISTRATOR }',
      'searchAudit: { patient: own(), ...DESK }',
    ],
    [
      'a patient reads the whole audit trail',
      'searchAudit: { patient: own(), ...ADMINISTRATOR }',
      'searchAudit: { patient: all(), ...ADMINISTRATOR }',
    ],
    [
      'a patient lists access to every record',
      'listRecordAccess: { patient: own(), ...DESK }',
      'listRecordAccess: { patient: all(), ...DESK }',
    ],
    [
      'a doctor lists access to records',
      'listRecordAccess: { patient: own(), ...DESK }',
      'listRecordAccess: { patient: own(), doctor: all(), ...DESK }',
    ],
    [
      'a patient makes link codes',
      `grantPatientLink: { 'front-desk'`,
      `grantPatientLink: { patient: own(), 'front-desk'`,
    ],
    [
      'a patient lists the links of all',
      'listPatientLinks: { patient: own(), ...OWN_DOCTOR }',
      'listPatientLinks: { patient: all(), ...OWN_DOCTOR }',
    ],
    ['a patient lists the sessions of all', 'listSessions: { patient: own()', 'listSessions: { patient: all()'],
    ['a patient ends the sessions of all', 'endSession: { patient: own()', 'endSession: { patient: all()'],
    ['a patient ends the links of all', 'revokePatientLink: { patient: own()', 'revokePatientLink: { patient: all()'],
    ['a doctor invites', `addInvitation: { 'front-desk'`, `addInvitation: { doctor: all(), 'front-desk'`],
  ]),
];

export const ACCESS_MUTANTS: readonly AccessMutant[] = [
  ...appointmentStores,
  ...appointmentRules,
  ...order,
  ...control,
  ...patients,
  ...doctors,
  ...notifications,
  ...identity,
];
