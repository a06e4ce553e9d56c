/** What containers/CONTRACT.md lets the environment decide. */
export function configFromEnvironment(env = process.env) {
  return {
    host: env.HOST || '0.0.0.0',
    port: number(env, 'PORT', 8080, 1, 65535),
    workers: number(env, 'WORKERS', 1, 1, 1024),
    databaseUrl: url(env, 'DATABASE_URL', ['postgres:', 'postgresql:']),
    poolSize: number(env, 'DB_POOL_SIZE', 32, 1, 1000),
    upstreamUrl: url(env, 'UPSTREAM_URL', ['http:', 'https:']),
  };
}

function number(env, name, fallback, least, most) {
  const text = env[name];
  if (!text) return fallback;
  const n = Number(text);
  if (!/^\d+$/.test(text) || n < least || n > most) {
    throw new Error(`${name} must be a number from ${least} to ${most}, not "${text}"`);
  }
  return n;
}

function url(env, name, protocols) {
  const text = env[name];
  if (!text) return undefined;
  // The messages leave the URL out: it may hold a password.
  if (!URL.canParse(text)) throw new Error(`${name} is not a URL`);
  const { protocol, hostname } = new URL(text);
  if (!protocols.includes(protocol)) throw new Error(`${name} must begin with ${protocols[0]}//`);
  if (!hostname) throw new Error(`${name} names no host`);
  return text;
}
