/** The fields that tests look at, of bodies of any surface; one that is missing shows as undefined where it is compared. */
export interface WireBody {
  /** A text on the Ollama surface, an object on the others. */
  error: string & { type: string; code: string; param: string | null; message: string };
  /** Of our own error, beside the text. */
  code: string;
  id: string;
  model: string;
  capabilities: string[];
  embeddings: number[][];
  embedding: number[];
  results: { index: number; relevance_score: number; document?: { text: string } }[];
  data: { embedding: string }[];
  models: { name: string; capabilities: string[] }[];
  prompt_eval_count: number;
}

export async function readJson(reply: Response): Promise<WireBody> {
  return (await reply.json()) as WireBody;
}
