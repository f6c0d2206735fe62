import type { Environment } from './load.ts';

/** The environment for a child process that needs no keys: everything but what looks like a secret. */
export function childEnvironment(environment: Environment = process.env): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !/TOKEN|SECRET|PASSWORD|API_KEY/i.test(name)) clean[name] = value;
  }
  return clean;
}
