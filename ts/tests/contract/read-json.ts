/** The fields that tests look at, of bodies of any surface; one that is missing shows as undefined where it is compared. */
export interface WireBody {
  /** A text on the Ollama surface, an object on the others. */
  error: string & { type: string; code: string; param: string | null; message: string };
  id: string;
  model: string;
}

export async function readJson(reply: Response): Promise<WireBody> {
  return (await reply.json()) as WireBody;
}
