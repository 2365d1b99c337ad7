/** What a registration must carry, and the instance as Java's codecs read it. */
import { type Static, Type } from 'typebox';

export const STATUSES = ['DOWN', 'OUT_OF_SERVICE', 'STARTING', 'UNKNOWN', 'UP'] as const;
export type Status = (typeof STATUSES)[number];
export const Status = () => Type.Unsafe<Status>(Type.String({ enum: [...STATUSES] }));

/** The longest instance id; the router takes no longer part of a path. */
const MAX_ID_LENGTH = 200;
export const MAX_METADATA_ENTRIES = 200;
/** A lease is refused no length, but the registry waits no longer than this for a renewal. */
const MAX_LEASE_SECONDS = 24 * 60 * 60;
/** Of milliseconds since 1970, as many digits as a `long` surely has. */
const MAX_TIMESTAMP = 999_999_999_999_999;
const PORT = '^([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$';
/** What Java takes for a missing `leaseInfo`. */
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

/** Java's reader takes a number or a flag for its text; an empty name could not be written as XML. */
export const Metadata = Type.Record(
  Type.String(),
  Type.Union([Type.String({ maxLength: 2000 }), Type.Number(), Type.Boolean()]),
  { maxProperties: MAX_METADATA_ENTRIES, propertyNames: { minLength: 1, maxLength: 200 } },
);
export type Metadata = Static<typeof Metadata>;

/** Java's readers of the list fail on a name that they do not know. */
const DATA_CENTERS = ['Amazon', 'MyOwn', 'Netflix'];

/** Fields that are not named here are taken and dropped: Java's mapper fails on what its model lacks. */
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

/** The id that Java falls back to. */
export const idOf = (registration: Registration): string => registration.instanceId ?? registration.hostName;

export const appOf = (registration: Registration): string => registration.app.toUpperCase();

export function leaseTimesOf({ leaseInfo }: Registration): LeaseTimes {
  const { renewalIntervalInSecs, durationInSecs } = { ...DEFAULT_LEASE, ...leaseInfo };
  return {
    renewalIntervalInSecs: Math.min(renewalIntervalInSecs, MAX_LEASE_SECONDS),
    durationInSecs: Math.min(durationInSecs, MAX_LEASE_SECONDS),
  };
}

/** Without the class that Java's writer notes for an empty map. */
export function textsOf(metadata: Metadata = {}): Readonly<Record<string, string>> {
  const { '@class': _class, ...entries } = metadata;
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, String(value)]));
}

/** The part of the document that stays as it was registered; the lease adds what changes. */
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

/** The class is ours to say, never the instance's: Java's readers make an object of it. */
function dataCenterOf({ dataCenterInfo: { name, metadata } }: Registration) {
  const isAmazon = name === 'Amazon';
  return {
    // First: Java's reader needs the class before the fields (eureka#1310).
    '@class': isAmazon ? 'com.netflix.appinfo.AmazonInfo' : 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo',
    name,
    ...(isAmazon && { metadata: textsOf(metadata) }),
  };
}

const portOf = (port: Static<typeof Port> | undefined, otherwise: { $: number; '@enabled': string }) =>
  port === undefined ? otherwise : { $: Number(port.$), '@enabled': String(port['@enabled']) };
