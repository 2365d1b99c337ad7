/** A realm of Keycloak with people of a clinic, as Keycloak imports it. Roles of the realm are in the claim `roles`. */

export const REALM = 'clinic';
export const CLIENT = { id: 'daybook', secret: 'a secret of Daybook at Keycloak' };
export const PASSWORD = 'violet teapot over the harbour';

const ROLES = ['administrator', 'front-desk', 'doctor', 'patient', 'gardener'];

const personOf = (username: string, firstName: string, realmRoles: readonly string[]) => ({
  username,
  firstName,
  lastName: 'Keycloak',
  email: `${username}@clinic.example`,
  emailVerified: true,
  enabled: true,
  credentials: [{ type: 'password', value: PASSWORD, temporary: false }],
  realmRoles,
});

/** Maps the roles of a person into the ID token. */
const roleMapper = {
  name: 'roles of Daybook',
  protocol: 'openid-connect',
  protocolMapper: 'oidc-usermodel-realm-role-mapper',
  config: {
    'claim.name': 'roles',
    'jsonType.label': 'String',
    multivalued: 'true',
    'id.token.claim': 'true',
    'access.token.claim': 'false',
    'userinfo.token.claim': 'false',
  },
};

/** @param callback the address of Daybook that browsers come back to */
export const realmFor = (callback: string) => ({
  realm: REALM,
  enabled: true,
  sslRequired: 'none',
  roles: { realm: ROLES.map((name) => ({ name })) },
  clients: [
    {
      clientId: CLIENT.id,
      secret: CLIENT.secret,
      enabled: true,
      publicClient: false,
      standardFlowEnabled: true,
      directAccessGrantsEnabled: false,
      redirectUris: [callback],
      attributes: { 'pkce.code.challenge.method': 'S256' },
      protocolMappers: [roleMapper],
    },
  ],
  users: [personOf('fiona', 'Fiona', ['front-desk', 'gardener']), personOf('gary', 'Gary', ['gardener'])],
});
