// Writes a GGUF of a real shape with random weights: valid blocks of random bits with small scales, a byte-level vocabulary.
// Speed depends on shapes and types only, so no weights have to be downloaded to measure it.
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

/** Block layouts of the types a benchmark uses: elements and bytes a block, and where its f16 scales stand. */
const TYPES = {
  F32: { id: 0, elements: 1, bytes: 4 },
  Q4_0: { id: 2, elements: 32, bytes: 18, scales: [[0, 0.004]] },
  Q8_0: { id: 8, elements: 32, bytes: 34, scales: [[0, 0.0003]] },
  Q4_K: {
    id: 12,
    elements: 256,
    bytes: 144,
    scales: [
      [0, 0.0001],
      [2, 0.0008],
    ],
  },
  Q6_K: { id: 14, elements: 256, bytes: 210, scales: [[208, 0.000015]] },
};

/** Llama 3.2 1B. */
export const SHAPE_1B = { hidden: 2048, ffn: 8192, heads: 32, kvHeads: 8, layers: 16, vocab: 128256 };

function half(value) {
  const f32 = new DataView(new ArrayBuffer(4));
  f32.setFloat32(0, value);
  const bits = f32.getUint32(0);
  const exponent = ((bits >> 23) & 255) - 112;
  const mantissa = bits & 0x7fffff;
  if (exponent <= 0) return exponent < -10 ? 0 : (mantissa | 0x800000) >> (14 - exponent);
  return (exponent << 10) | (mantissa >> 13);
}

class Header {
  parts = [];
  count = 0;
  u32(v) {
    const b = Buffer.alloc(4);
    b.writeUInt32LE(v);
    this.parts.push(b);
  }
  u64(v) {
    const b = Buffer.alloc(8);
    b.writeBigUInt64LE(BigInt(v));
    this.parts.push(b);
  }
  text(v) {
    const b = Buffer.from(v);
    this.u64(b.length);
    this.parts.push(b);
  }
  pair(key, type, write) {
    this.text(key);
    this.u32(type);
    write();
    this.count += 1;
  }
  setU32(key, v) {
    this.pair(key, 4, () => this.u32(v));
  }
  setF32(key, v) {
    this.pair(key, 6, () => {
      const b = Buffer.alloc(4);
      b.writeFloatLE(v);
      this.parts.push(b);
    });
  }
  setText(key, v) {
    this.pair(key, 8, () => this.text(v));
  }
  setArray(key, type, values, write) {
    this.pair(key, 9, () => {
      this.u32(type);
      this.u64(values.length);
      for (const v of values) write(v);
    });
  }
}

function vocabulary(size) {
  const printable = [];
  for (let b = 0; b < 256; b++) if ((b >= 33 && b < 127) || (b >= 161 && b < 173) || b >= 174) printable.push(b);
  const base = printable.map((b) => String.fromCodePoint(b));
  for (let extra = 0; base.length < 256; extra++) base.push(String.fromCodePoint(256 + extra));
  const tokens = [...base];
  const merges = [];
  outer: for (const a of base) {
    for (const b of base) {
      if (tokens.length >= size - 10) break outer;
      tokens.push(a + b);
      merges.push(`${a} ${b}`);
    }
  }
  while (tokens.length < size - 10) tokens.push(`<f${tokens.length}>`);
  while (tokens.length < size) tokens.push(`<|s${tokens.length}|>`);
  return { tokens, merges };
}

/** `kind`: q4_k_m | q8_0 | q4_0 | q6_k. */
export function writeRandomModel(path, kind, shape = SHAPE_1B) {
  const { hidden, ffn, heads, kvHeads, layers, vocab } = shape;
  const base = { q4_k_m: 'Q4_K', q8_0: 'Q8_0', q4_0: 'Q4_0', q6_k: 'Q6_K' }[kind];
  if (!base) throw new Error(`no such kind: ${kind}`);
  const mixed = kind === 'q4_k_m';
  const headDim = hidden / heads;
  const tensors = [{ name: 'token_embd.weight', shape: [vocab, hidden], type: mixed ? 'Q6_K' : base }];
  tensors.push({ name: 'output_norm.weight', shape: [hidden], type: 'F32' });
  for (let i = 0; i < layers; i++) {
    const high = mixed && i % 2 === 0 ? 'Q6_K' : base;
    const add = (name, rows, columns, type) =>
      tensors.push({ name: `blk.${i}.${name}.weight`, shape: [rows, columns], type });
    tensors.push({ name: `blk.${i}.attn_norm.weight`, shape: [hidden], type: 'F32' });
    tensors.push({ name: `blk.${i}.ffn_norm.weight`, shape: [hidden], type: 'F32' });
    add('attn_q', hidden, hidden, base);
    add('attn_k', kvHeads * headDim, hidden, base);
    add('attn_v', kvHeads * headDim, hidden, high);
    add('attn_output', hidden, hidden, base);
    add('ffn_gate', ffn, hidden, base);
    add('ffn_up', ffn, hidden, base);
    add('ffn_down', hidden, ffn, high);
  }
  const { tokens, merges } = vocabulary(vocab);
  const h = new Header();
  h.setText('general.architecture', 'llama');
  h.setText('general.name', `random ${kind}`);
  h.setU32('general.file_type', { q4_k_m: 15, q8_0: 7, q4_0: 2, q6_k: 18 }[kind]);
  h.setU32('llama.context_length', 131072);
  h.setU32('llama.embedding_length', hidden);
  h.setU32('llama.block_count', layers);
  h.setU32('llama.feed_forward_length', ffn);
  h.setU32('llama.attention.head_count', heads);
  h.setU32('llama.attention.head_count_kv', kvHeads);
  h.setF32('llama.attention.layer_norm_rms_epsilon', 1e-5);
  h.setF32('llama.rope.freq_base', 500000);
  h.setU32('llama.rope.dimension_count', headDim);
  h.setU32('llama.vocab_size', vocab);
  h.setText('tokenizer.ggml.model', 'gpt2');
  h.setText('tokenizer.ggml.pre', 'llama-bpe');
  h.setArray('tokenizer.ggml.tokens', 8, tokens, (v) => h.text(v));
  h.setArray('tokenizer.ggml.token_type', 5, tokens, (v) => h.u32(v.startsWith('<|s') ? 3 : 1));
  h.setArray('tokenizer.ggml.merges', 8, merges, (v) => h.text(v));
  h.setU32('tokenizer.ggml.bos_token_id', vocab - 10);
  h.setU32('tokenizer.ggml.eos_token_id', vocab - 9);
  const index = new Header();
  let offset = 0;
  for (const t of tensors) {
    const { id, elements, bytes } = TYPES[t.type];
    t.bytes = (t.shape.reduce((a, b) => a * b, 1) / elements) * bytes;
    index.text(t.name);
    index.u32(t.shape.length);
    for (const dim of [...t.shape].reverse()) index.u64(dim);
    index.u32(id);
    index.u64(offset);
    offset += Math.ceil(t.bytes / 32) * 32;
  }
  const start = new Header();
  start.parts.push(Buffer.from('GGUF'));
  start.u32(3);
  start.u64(tensors.length);
  start.u64(h.count);
  const head = Buffer.concat([...start.parts, ...h.parts, ...index.parts]);
  const file = openSync(path, 'w');
  const write = (b) => writeSync(file, b);
  write(head);
  write(Buffer.alloc((32 - (head.length % 32)) % 32));
  for (const t of tensors) {
    const { elements, bytes, scales } = TYPES[t.type];
    if (t.type === 'F32') {
      write(Buffer.from(new Float32Array(t.shape[0]).fill(1).buffer));
    } else {
      const rowBytes = (t.shape[1] / elements) * bytes;
      const rowsAtOnce = Math.max(1, Math.floor(8e6 / rowBytes));
      for (let row = 0; row < t.shape[0]; row += rowsAtOnce) {
        const chunk = Buffer.alloc(rowBytes * Math.min(rowsAtOnce, t.shape[0] - row));
        randomFillSync(chunk);
        for (const [at, value] of scales) {
          const bits = half(value);
          for (let block = at; block < chunk.length; block += bytes) chunk.writeUInt16LE(bits, block);
        }
        write(chunk);
      }
    }
    write(Buffer.alloc((32 - (t.bytes % 32)) % 32));
  }
  closeSync(file);
}
