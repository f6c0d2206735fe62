/**
 * The public keys of releases: ECDSA over P-256, as base64 of their DER form (SPKI). What one of them signed is a release; two stand here
 * while a new key takes the place of an old one. They are part of the bundle, and `npm run gen` puts them into install.sh and install.ps1.
 * `node scripts/release/new-key.mjs` writes this list.
 */
export const RELEASE_KEYS: readonly string[] = [
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjt/NyHW/Ijd9/XHvOLgVSypTdXlj7dELVFUn86S7/En/9FQinRi4M79wLNEejkfSyg4obkaCZLRQwQK1Q4RWWg==',
];
