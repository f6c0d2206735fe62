/** Text as it stands inside a JSON string. */
export function escapeText(text: string): string {
  // Character by character, so that a text gives the same however it is cut.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what JSON strings may not hold
  return text.replace(/["\\\u0000-\u001f]/g, (character) => JSON.stringify(character).slice(1, -1));
}
