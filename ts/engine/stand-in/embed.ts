import { OmgError } from '../../errors/index.ts';
import type { Embeddings, EmbedRequest, PromptSegment, ReadText, ScoreRequest, Scores } from '../../inference/index.ts';
import { pieces, type StandInVocabulary } from './vocabulary.ts';

/** Vectors that count a text's words: the same text gives the same vector, texts that share words lie near each other. */
export function standInEmbeddings(
  request: EmbedRequest,
  vocabulary: StandInVocabulary,
  limit: number,
  width: number,
): Embeddings {
  const dimensions = request.dimensions ?? width;
  if (dimensions < 1 || dimensions > width) {
    throw new OmgError('invalid_request', `The model makes vectors of ${width} dimensions.`);
  }
  const read = request.texts.map((text, index) => readText(text, index, vocabulary, limit, request.truncate === true));
  const vectors = new Float32Array(read.length * dimensions);
  for (const [index, { words }] of read.entries()) {
    const vector = vectors.subarray(index * dimensions, (index + 1) * dimensions);
    vector[0] = 1;
    for (const word of words) {
      const at = hash(word.trim()) % width;
      if (at < dimensions) vector[at] = (vector[at] ?? 0) + 1;
    }
    if (request.normalize === false) continue;
    const length = Math.hypot(...vector);
    vector.forEach((value, at) => {
      vector[at] = value / length;
    });
  }
  return { type: 'end', dimensions, vectors, texts: read.map(({ how }) => how) };
}

/** The number of words of the query that a document has. */
export function standInScores(request: ScoreRequest, limit: number): Scores {
  const query = new Set(pieces(request.query).map((word) => word.trim()));
  const texts: ReadText[] = [];
  const scores = request.documents.map((document, index) => {
    const words = pieces(document).map((word) => word.trim());
    const room = limit - query.size;
    const truncated = words.length > room;
    if (truncated && request.truncate !== true) throw tooLong(index, words.length + query.size, limit);
    texts.push({ promptTokens: Math.min(words.length, room) + query.size, truncated });
    return words.filter((word) => query.has(word)).length;
  });
  return { type: 'end', scores, texts };
}

function readText(
  text: PromptSegment[],
  index: number,
  vocabulary: StandInVocabulary,
  limit: number,
  truncate: boolean,
): { words: string[]; how: ReadText } {
  const tokens = vocabulary.tokenize(text);
  const truncated = tokens.length > limit;
  if (truncated && !truncate) throw tooLong(index, tokens.length, limit);
  const kept = tokens.slice(0, limit);
  return { words: kept.map((id) => vocabulary.detokenize([id])), how: { promptTokens: kept.length, truncated } };
}

function tooLong(index: number, promptTokens: number, contextLength: number): OmgError {
  return new OmgError(
    'context_length_exceeded',
    `text ${index} has ${promptTokens} tokens, the model reads at most ${contextLength}`,
    { detail: { index, promptTokens, contextLength } },
  );
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}
