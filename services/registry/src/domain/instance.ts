/** Defines the fields of a registration, and the instance as Java's codecs read it. */
import { type Static, Type } from 'typebox';

export const STATUSES = ['DOWN', 'OUT_OF_SERVICE', 'STARTING', 'UNKNOWN', 'UP'] as const;
export type Status = (typeof STATUSES)[number];
export const Status = () => Type.Unsafe<Status>(Type.String({ enum: [...STATUSES] }));

/** The longest instance id. The router rejects longer path segments. */
const MAX_ID_LENGTH = 200;
export const MAX_METADATA_ENTRIES = 200;
/** A lease may have any length, but the registry waits at most this long for a renewal. */
const MAX_LEASE_SECONDS = 24 * 60 * 60;
/** In milliseconds since 1970. A Java `long` holds every number with this many digits. */
const MAX_TIMESTAMP = 999_999_999_999_999;
const PORT = '^([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$';
/** Java's default for a missing `leaseInfo`. */
const DEFAULT_LEASE = { renewalIntervalInSecs: 30, durationInSecs: 90 };

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const optionalText = Type.Optional(Type.String({ maxLength: 2000 }));
const Timestamp = Type.Union([
  Type.Integer({ minimum: 0, maximum: MAX_TIMESTAMP }),
  Type.String({ pattern: '^[0-9]{1,15}$' }),
]);
const Port = Type.Object({
  $: Type.Union([Type.Integer({ minimum: 0, maximum: 65_535 }), Type.String({ pattern: PORT })]),
  '@enabled': Type.Union([Type.Boolean(), Type.String({ enum: ['true', 'false'] })]),
});

/** Java's reader accepts a number or a boolean as text. An empty name cannot be written as XML. */
export const Metadata = Type.Record(
  Type.String(),
  Type.Union([Type.String({ maxLength: 2000 }), Type.Number(), Type.Boolean()]),
  { maxProperties: MAX_METADATA_ENTRIES, propertyNames: { minLength: 1, maxLength: 200 } },
);
export type Metadata = Static<typeof Metadata>;

/** Java's readers of the list fail on an unknown name. */
const DATA_CENTERS = ['Amazon', 'MyOwn', 'Netflix'];

/** Other fields are accepted and dropped, because Java's mapper fails on unknown fields. */
export const Registration = Type.Object({
  instanceId: Type.Optional(text(MAX_ID_LENGTH)),
  hostName: text(MAX_ID_LENGTH),
  app: text(MAX_ID_LENGTH),
  ipAddr: text(MAX_ID_LENGTH),
  status: Type.Optional(Status()),
  overriddenStatus: Type.Optional(Status()),
  port: Type.Optional(Port),
  securePort: Type.Optional(Port),
  dataCenterInfo: Type.Object({
    '@class': optionalText,
    name: Type.String({ enum: DATA_CENTERS }),
    metadata: Type.Optional(Metadata),
  }),
  leaseInfo: Type.Optional(
    Type.Object({
      renewalIntervalInSecs: Type.Optional(Type.Integer({ minimum: 1 })),
      durationInSecs: Type.Optional(Type.Integer({ minimum: 1 })),
    }),
  ),
  metadata: Type.Optional(Metadata),
  homePageUrl: optionalText,
  statusPageUrl: optionalText,
  healthCheckUrl: optionalText,
  secureHealthCheckUrl: optionalText,
  vipAddress: optionalText,
  secureVipAddress: optionalText,
  appGroupName: optionalText,
  asgName: optionalText,
  lastDirtyTimestamp: Type.Optional(Timestamp),
});
export type Registration = Static<typeof Registration>;

export interface LeaseTimes {
  readonly renewalIntervalInSecs: number;
  readonly durationInSecs: number;
}

/** Returns the id; without one, the default of Java's clients. */
export const idOf = (registration: Registration): string => registration.instanceId ?? registration.hostName;

export const appOf = (registration: Registration): string => registration.app.toUpperCase();

export function leaseTimesOf({ leaseInfo }: Registration): LeaseTimes {
  const { renewalIntervalInSecs, durationInSecs } = { ...DEFAULT_LEASE, ...leaseInfo };
  return {
    renewalIntervalInSecs: Math.min(renewalIntervalInSecs, MAX_LEASE_SECONDS),
    durationInSecs: Math.min(durationInSecs, MAX_LEASE_SECONDS),
  };
}

/** Returns metadata as text, without the class that Java's writer adds to an empty map. */
export function textsOf(metadata: Metadata = {}): Readonly<Record<string, string>> {
  const { '@class': _class, ...entries } = metadata;
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, String(value)]));
}

/** Returns the part of the document that stays as registered. The lease adds the changing part. */
export function fixedPartOf(registration: Registration) {
  const { homePageUrl, statusPageUrl, healthCheckUrl, secureHealthCheckUrl } = registration;
  const { vipAddress, secureVipAddress, appGroupName, asgName } = registration;
  return {
    instanceId: idOf(registration),
    hostName: registration.hostName,
    app: appOf(registration),
    ipAddr: registration.ipAddr,
    port: portOf(registration.port, { $: 7001, '@enabled': 'true' }),
    securePort: portOf(registration.securePort, { $: 7002, '@enabled': 'false' }),
    countryId: 1,
    dataCenterInfo: dataCenterOf(registration),
    ...(homePageUrl && { homePageUrl }),
    ...(statusPageUrl && { statusPageUrl }),
    ...(healthCheckUrl && { healthCheckUrl }),
    ...(secureHealthCheckUrl && { secureHealthCheckUrl }),
    ...(vipAddress && { vipAddress }),
    ...(secureVipAddress && { secureVipAddress }),
    ...(appGroupName && { appGroupName }),
    ...(asgName && { asgName }),
    isCoordinatingDiscoveryServer: 'false',
  };
}

/** Returns the data center. The registry sets the class, never the instance, because Java's readers instantiate it. */
function dataCenterOf({ dataCenterInfo: { name, metadata } }: Registration) {
  const isAmazon = name === 'Amazon';
  return {
    // First, because Java's reader needs the class before the fields (eureka#1310).
    '@class': isAmazon ? 'com.netflix.appinfo.AmazonInfo' : 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo',
    name,
    ...(isAmazon && { metadata: textsOf(metadata) }),
  };
}

const portOf = (port: Static<typeof Port> | undefined, otherwise: { $: number; '@enabled': string }) =>
  port === undefined ? otherwise : { $: Number(port.$), '@enabled': String(port['@enabled']) };
