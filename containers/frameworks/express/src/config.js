/** What containers/CONTRACT.md lets the environment decide. */
export function configFromEnvironment(env = process.env) {
  return {
    host: env.HOST || '0.0.0.0',
    port: number(env, 'PORT', 8080, 1, 65535),
    workers: number(env, 'WORKERS', 1, 1, 1024),
    databaseUrl: databaseUrl(env.DATABASE_URL),
    poolSize: number(env, 'DB_POOL_SIZE', 32, 1, 1000),
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

function databaseUrl(text) {
  if (!text) return undefined;
  // The messages leave the URL out: it holds the password.
  if (!URL.canParse(text)) throw new Error('DATABASE_URL is not a URL');
  if (!['postgres:', 'postgresql:'].includes(new URL(text).protocol)) {
    throw new Error('DATABASE_URL must begin with postgres://');
  }
  return text;
}
