import type { PromptSegment } from './generate.ts';

/** Texts to turn into vectors. */
export interface EmbedRequest {
  texts: PromptSegment[][];
  /** Cut texts that the model cannot read as a whole; otherwise they are an error. */
  truncate?: boolean;
  /** The first so many elements of each vector; absent: all. */
  dimensions?: number;
  /** Scale vectors to length 1, after they were cut. Absent: as the model's files say. */
  normalize?: boolean;
}

/** One vector per text, in their order. The only event. */
export interface Embeddings {
  type: 'end';
  /** Elements of a vector. */
  dimensions: number;
  /** All vectors, one after another. */
  vectors: Float32Array;
  texts: ReadText[];
}

/** How a text was read. */
export interface ReadText {
  /** Tokens the model read. */
  promptTokens: number;
  /** The text had more. */
  truncated: boolean;
}

/** Documents to rate by how well they answer a query. */
export interface ScoreRequest {
  query: string;
  documents: string[];
  /** Cut documents that do not fit beside the query; otherwise they are an error. */
  truncate?: boolean;
}

/** The classifier's own number per document, in their order: larger is better, without bounds. The only event. */
export interface Scores {
  type: 'end';
  scores: number[];
  texts: ReadText[];
}
