/** `{% … %}` with a word that Jinja knows. */
const JINJA_STATEMENT =
  /\{%[-+]?\s*(?:if|elif|else|endif|for|endfor|set|endset|macro|endmacro|raw|filter|call|with|block|include|import|from|extends|generation|break|continue|do)\b/;

/**
 * Actions that are no Jinja: fields begin with a dot, variables with a dollar sign, blocks have no percent sign, and what a
 * function is given follows its name without parentheses. Comments are `{{/* … *\/}}`.
 */
const GO_ACTION = new RegExp(
  [
    String.raw`\{\{-?\s*(?:\.[A-Za-z_]|\.\s*(?:-?\}\}|\|)|\$`,
    String.raw`(?:if|with)\s+[^\s=|}~+]`,
    String.raw`range\s+(?:[^\s=|}~+(]|\([A-Za-z(.$])`,
    String.raw`(?:define|block|template)\s+["\`]`,
    String.raw`(?:else|end)\s*-?\}\}`,
    String.raw`else\s+(?:if|with)\b`,
    String.raw`\/\*`,
    String.raw`\(*\w+\s+\(*\$?\.[A-Z]`,
    String.raw`(?:current|yesterday)Date\b`,
    String.raw`\(*(?:and|eq|ge|gt|html|index|js|json|le|len|lt|ne|or|print|printf|println|slice|toTypeScriptType|urlquery)\s+["$(.\w])`,
  ].join('|'),
);

/** Whether a template is Go's text/template, as Ollama has them, rather than Jinja. Linear in its length. */
export function isGoTemplate(template: string): boolean {
  return !JINJA_STATEMENT.test(template) && GO_ACTION.test(template);
}
