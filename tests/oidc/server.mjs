// A real OAuth provider (oidc-provider, certified by the OpenID Foundation) on a free loopback port.
// Its pages to sign in and to consent are its own; `browse.mjs` is the browser that fills them in.
//
// Takes the seconds that an access token is good for. Prints one line of JSON when it listens, and then
// answers each line on standard input with one; ends with its standard input.
//   log        what it handed out and refused, in order
//   revoke     the user takes all access away: refresh and access tokens are over
//   withdraw   access tokens alone are over
//   ill, well  the token address answers with a gateway's page, and does so no more
//   tokens     all that it handed out
//   living     how many refresh tokens are good
//   hold, go   the token address takes questions and answers none until it may
//   ttl N      access tokens that are handed out from now on are good for N seconds

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

// The provider has notices to give on standard output, too.
console.info = console.error;
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

let ttl = Number(process.argv[2] ?? 3600);
let ill = false;
let held = null;
const log = [];
const access = new Set();
const grants = new Set();
const tokens = [];
const refresh = [];

const native = {
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/oauth/callback'],
  grant_types: [
    'authorization_code',
    'refresh_token',
    'urn:ietf:params:oauth:grant-type:device_code',
  ],
  response_types: ['code'],
};

const server = createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    { ...native, client_id: 'public', token_endpoint_auth_method: 'none' },
    {
      ...native,
      client_id: 'keeper',
      client_secret: 'the secret of the client',
      token_endpoint_auth_method: 'client_secret_basic',
    },
    {
      client_id: 'mailserver',
      client_secret: 'mailsecret',
      redirect_uris: [],
      grant_types: [],
      response_types: [],
    },
  ],
  scopes: ['openid', 'offline_access', 'mail'],
  cookies: { keys: ['for tests alone'] },
  features: {
    deviceFlow: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    devInteractions: { enabled: true },
  },
  ttl: {
    AccessToken: () => ttl,
    RefreshToken: () => 86_400,
    Grant: () => 86_400,
    IdToken: () => 3600,
    Interaction: () => 3600,
    Session: () => 3600,
    DeviceCode: () => 600,
    AuthorizationCode: () => 60,
  },
  rotateRefreshToken: true,
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});

provider.on('access_token.saved', (token) => access.add(token));
provider.on('grant.success', (ctx) => {
  log.push({ gave: ctx.oidc.params.grant_type });
  const { access_token, refresh_token } = ctx.body;
  tokens.push(access_token, refresh_token);
  refresh.push(refresh_token);
  if (ctx.oidc.entities.Grant) grants.add(ctx.oidc.entities.Grant.jti);
});
provider.on('grant.error', (ctx, error) => {
  // Whoever polls is not refused.
  if (error.error !== 'authorization_pending') {
    log.push({ refused: ctx.oidc.params?.grant_type, error: error.error });
  }
});
provider.on('grant.revoked', () => log.push({ revoked: true }));
provider.on('server_error', (_ctx, error) => console.error(error));

const withdraw = async () => {
  for (const token of access) await token.destroy();
  access.clear();
};

const acts = {
  log: () => log,
  withdraw,
  revoke: async () => {
    await withdraw();
    for (const grant of grants) await provider.RefreshToken.revokeByGrantId(grant);
  },
  ill: () => {
    ill = true;
  },
  well: () => {
    ill = false;
  },
  hold: () => {
    held = {};
    held.promise = new Promise((resolve) => {
      held.resolve = resolve;
    });
  },
  go: () => {
    held?.resolve();
    held = null;
  },
  tokens: () => tokens,
  living: async () => {
    const found = await Promise.all(refresh.map((token) => provider.RefreshToken.find(token)));
    return found.filter(Boolean).length;
  },
  ttl: (seconds) => {
    ttl = Number(seconds);
  },
};

const answer = provider.callback();
server.on('request', async (request, response) => {
  if (held && request.url === '/token') {
    log.push({ held: true });
    await held.promise;
  }
  if (ill && request.url === '/token') {
    log.push({ ill: true });
    response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>');
  } else {
    answer(request, response);
  }
});
say({ issuer });
for await (const line of createInterface({ input: process.stdin })) {
  const [act, argument] = line.split(' ');
  say((await acts[act](argument)) ?? {});
}
process.exit();
