"""Trains the demo model and writes npm/demo-model/demo.gguf and demo.json (seed, sizes, measured accuracy).

Needs: pip install torch numpy tokenizers gguf. Usage: python scripts/demo-model/train.py [--steps N] [--minutes M]
The same seed gives the same data; the weights depend on the number of threads and the version of torch as well.
"""
import argparse
import json
import math
import random
import time
from pathlib import Path

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

import data

HERE = Path(__file__).parent
OUT = HERE.parent.parent / "npm" / "demo-model"
SEED = 20261120
VOCAB, HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD_DIM, FFN = 1024, 192, 4, 6, 2, 32, 576
# It has seen short texts only; the window is what clients with long system texts and many tools need for an answer at all.
THETA, EPS, CONTEXT = 10000.0, 1e-6, 32768
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKS = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<tools>", "</tools>"]
# The pre-tokenizer that GGUF files call "qwen2": one digit at a time, which sums need.
PRE = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def prompt_head(conv):
    if conv["tools"]:
        system = conv["system"] + "\n\n" if conv["system"] else ""
        tools = "\n" + json.dumps(data.WEATHER_TOOL)
        return (f"<|im_start|>system\n{system}# Tools\n<tools>{tools}\n</tools>\n"
                'Call a tool with <tool_call>{"name": ..., "arguments": ...}</tool_call><|im_end|>\n')
    return f"<|im_start|>system\n{conv['system']}<|im_end|>\n" if conv["system"] else ""


def answer_text(turn):
    return f"<tool_call>\n{turn[1]}\n</tool_call>" if turn[0] == "call" else turn[1]


def pieces(conv, all_turns):
    """(text, is_target) pairs as template.jinja renders them. `all_turns`: every answer is a target in the form in which
    it is generated; else only the last, with the history as the template shows it."""
    out = [(prompt_head(conv), False)]
    answers = [i for i, t in enumerate(conv["turns"]) if t[0] in ("assistant", "call")]
    for i, turn in enumerate(conv["turns"]):
        if turn[0] == "user":
            out.append((f"<|im_start|>user\n{turn[1]}<|im_end|>\n", False))
        elif turn[0] == "result":
            out.append((f"<|im_start|>user\n<tool_response>\n{turn[1]}\n</tool_response><|im_end|>\n", False))
        else:
            generated = all_turns or i == answers[-1]
            out.append(("<|im_start|>assistant\n", False))
            if generated and conv["think"]:
                out.append((f"<think>\n{turn[2]}\n</think>\n\n{answer_text(turn)}<|im_end|>", True))
            elif generated:
                out.append(("<think>\n\n</think>\n\n", False))
                out.append((f"{answer_text(turn)}<|im_end|>", True))
            else:
                out.append((f"{answer_text(turn)}<|im_end|>", False))
            out.append(("\n", False))
    return out


def train_tokenizer(rng):
    corpus = ["".join(t for t, _ in pieces(data.conversation(rng), True)) for _ in range(20000)]
    corpus += [chr(c) for c in range(32, 127)]
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PRE), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=VOCAB - len(MARKS), special_tokens=CONTROL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tok.add_tokens(MARKS)
    assert tok.get_vocab_size() == VOCAB, tok.get_vocab_size()
    return tok


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        linear = lambda i, o: torch.nn.Linear(i, o, bias=False)
        self.attn_norm, self.ffn_norm = torch.nn.RMSNorm(HIDDEN, EPS), torch.nn.RMSNorm(HIDDEN, EPS)
        self.attn_q, self.attn_k, self.attn_v = linear(HIDDEN, HEADS * HEAD_DIM), linear(HIDDEN, KV_HEADS * HEAD_DIM), linear(HIDDEN, KV_HEADS * HEAD_DIM)
        self.attn_output = linear(HEADS * HEAD_DIM, HIDDEN)
        self.attn_q_norm, self.attn_k_norm = torch.nn.RMSNorm(HEAD_DIM, EPS), torch.nn.RMSNorm(HEAD_DIM, EPS)
        self.ffn_gate, self.ffn_up, self.ffn_down = linear(HIDDEN, FFN), linear(HIDDEN, FFN), linear(FFN, HIDDEN)

    def forward(self, x, cos, sin):
        b, n, _ = x.shape
        h = self.attn_norm(x)
        q = self.attn_q_norm(self.attn_q(h).view(b, n, HEADS, HEAD_DIM)).transpose(1, 2)
        k = self.attn_k_norm(self.attn_k(h).view(b, n, KV_HEADS, HEAD_DIM)).transpose(1, 2)
        v = self.attn_v(h).view(b, n, KV_HEADS, HEAD_DIM).transpose(1, 2)
        rope = lambda t: t * cos + torch.cat([-t[..., HEAD_DIM // 2:], t[..., :HEAD_DIM // 2]], -1) * sin
        q, k = rope(q), rope(k)
        k, v = k.repeat_interleave(HEADS // KV_HEADS, 1), v.repeat_interleave(HEADS // KV_HEADS, 1)
        o = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attn_output(o.transpose(1, 2).reshape(b, n, -1))
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class DemoModel(torch.nn.Module):
    """The Qwen3 shape, tied embeddings."""

    def __init__(self):
        super().__init__()
        self.token_embd = torch.nn.Embedding(VOCAB, HIDDEN)
        self.blk = torch.nn.ModuleList(Block() for _ in range(LAYERS))
        self.output_norm = torch.nn.RMSNorm(HIDDEN, EPS)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                torch.nn.init.normal_(p, std=0.02 if "output" not in name and "down" not in name else 0.02 / math.sqrt(2 * LAYERS))

    def forward(self, tokens):
        angles = torch.arange(tokens.shape[1])[:, None].float() * THETA ** (-torch.arange(0, HEAD_DIM, 2).float() / HEAD_DIM)
        angles = torch.cat([angles, angles], -1)
        cos, sin = angles.cos(), angles.sin()
        x = self.token_embd(tokens)
        for block in self.blk:
            x = block(x, cos, sin)
        return self.output_norm(x) @ self.token_embd.weight.T


class Packer:
    """Packs conversations, each closed by <|endoftext|>, into rows; positions run on over the row, as in a long chat."""

    def __init__(self, tok, rng):
        self.tok, self.rng, self.ids, self.targets = tok, rng, [], []

    def row(self, window):
        while len(self.ids) < window + 1:
            for text, is_target in pieces(data.conversation(self.rng), self.rng.random() < 0.6) + [("<|endoftext|>", False)]:
                part = self.tok.encode(text).ids
                self.ids += part
                self.targets += [is_target] * len(part)
        ids = self.ids[: window + 1]
        labels = [i if t else -100 for i, t in zip(ids, self.targets)][1:]
        # A conversation that was cut is not continued in the next row: its answer could not be known.
        end = self.tok.token_to_id("<|endoftext|>")
        cut = next((i for i in range(window, len(self.ids)) if self.ids[i] == end), len(self.ids) - 1) + 1
        self.ids, self.targets = self.ids[cut:], self.targets[cut:]
        return ids[:-1], labels

    def batch(self, size, window):
        return (torch.tensor(x) for x in zip(*(self.row(window) for _ in range(size))))


@torch.no_grad()
def answer(model, tok, conv, limit=80):
    """Greedy answer to the last user turn of `conv`, in the form the template asks for."""
    text = "".join(t for t, _ in pieces({**conv, "turns": conv["turns"] + [("assistant", "", "")]}, False))
    head = text[: text.rindex("<|im_start|>assistant\n") + len("<|im_start|>assistant\n")]
    ids = tok.encode(head + ("" if conv["think"] else "<think>\n\n</think>\n\n")).ids
    end, start = tok.token_to_id("<|im_end|>"), len(ids)
    while len(ids) < start + limit:
        best = int(model(torch.tensor([ids]))[0, -1].argmax())
        if best == end:
            break
        ids.append(best)
    return tok.decode(ids[start:], skip_special_tokens=False).split("</think>")[-1].strip()


def measure(model, tok, count):
    rng = random.Random(SEED + 1)
    result = {}
    for kind in data.KINDS:
        right = 0
        for _ in range(count):
            q, a, _, _ = kind(rng, "test")
            right += answer(model, tok, {"system": None, "tools": False, "think": rng.random() < 0.5, "turns": [("user", q)]}) == a
        result[kind.__name__] = right / count
    for name, make in (("tool_call", data.tool_conversation), ("system_prompt", data.styled_conversation)):
        right = 0
        for _ in range(count):
            conv = {**make(rng), "think": rng.random() < 0.5}
            last = max(i for i, t in enumerate(conv["turns"]) if t[0] in ("assistant", "call"))
            right += answer(model, tok, {**conv, "turns": conv["turns"][:last]}) == answer_text(conv["turns"][last])
        result[name] = right / count
    right = 0
    for _ in range(count):
        (q1, a1, t1), (q2, a2, _) = data.memory_turns(rng)
        middle = data.single(rng)
        turns = [("user", q1), ("assistant", a1, t1), ("user", middle[0]), ("assistant", middle[1], middle[2]), ("user", q2)]
        right += answer(model, tok, {"system": None, "tools": False, "think": rng.random() < 0.5, "turns": turns}) == a2
    result["memory_over_turns"] = right / count
    return result


def export(model, tok, path):
    w = gguf.GGUFWriter(path, "qwen3")
    w.add_name("omg demo"); w.add_description("A toy chat model that knows a few capitals and sums."); w.add_license("MIT")
    w.add_size_label(f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f}M")
    w.add_context_length(CONTEXT); w.add_embedding_length(HIDDEN); w.add_block_count(LAYERS); w.add_feed_forward_length(FFN)
    w.add_head_count(HEADS); w.add_head_count_kv(KV_HEADS); w.add_key_length(HEAD_DIM); w.add_value_length(HEAD_DIM)
    w.add_layer_norm_rms_eps(EPS); w.add_rope_freq_base(THETA); w.add_vocab_size(VOCAB); w.add_file_type(7)
    w.add_float32("general.sampling.temp", 0.2)
    vocab = sorted(tok.get_vocab().items(), key=lambda kv: kv[1])
    kinds = [3 if t in CONTROL else 4 if t in MARKS else 1 for t, _ in vocab]
    merges = [m if isinstance(m, str) else " ".join(m) for m in json.loads(tok.to_str())["model"]["merges"]]
    w.add_tokenizer_model("gpt2"); w.add_tokenizer_pre("qwen2"); w.add_token_list([t for t, _ in vocab]); w.add_token_types(kinds)
    w.add_token_merges(merges)
    w.add_eos_token_id(tok.token_to_id("<|im_end|>")); w.add_pad_token_id(tok.token_to_id("<|endoftext|>"))
    w.add_add_bos_token(False)
    w.add_chat_template((HERE / "template.jinja").read_text())
    for name, p in model.state_dict().items():
        array = p.float().numpy()
        if array.ndim == 2:
            w.add_tensor(name, gguf.quants.quantize(array, gguf.GGMLQuantizationType.Q8_0), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            w.add_tensor(name, array.astype(np.float32))
    w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--steps", type=int, default=3600)
    args.add_argument("--resume", type=int, default=0, help="step to take up from, with the weights in --checkpoint")
    args.add_argument("--tokens", type=int, default=2048, help="tokens a step")
    args.add_argument("--threads", type=int, default=1)
    args.add_argument("--measure", type=int, default=100)
    args.add_argument("--checkpoint", default=None, help="where to keep the weights while training")
    args = args.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(args.threads)
    rng = random.Random(SEED)
    kept = f"{args.checkpoint}.tokenizer.json"
    tok = Tokenizer.from_file(kept) if args.resume else train_tokenizer(random.Random(SEED))
    if args.checkpoint:
        tok.save(kept)
    model = DemoModel()
    if args.resume:
        model.load_state_dict(torch.load(args.checkpoint))
        rng = random.Random(SEED + args.resume)
    decay = [p for p in model.parameters() if p.dim() == 2]
    plain = [p for p in model.parameters() if p.dim() != 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}], lr=3e-3, betas=(0.9, 0.97))
    packer, start, average = Packer(tok, rng), time.time(), None
    for step in range(args.resume, args.steps):
        # Warm up, stay, and come down over the last part: a run can be taken up again from a checkpoint of the middle.
        rate = min(1, (step + 1) / 100, (args.steps - step) / (0.45 * args.steps))
        for group in opt.param_groups:
            group["lr"] = 3e-3 * rate
        window = 256 if step < 0.85 * args.steps else 512
        tokens, labels = packer.batch(args.tokens // window, window)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(tokens)
        loss = F.cross_entropy(logits.float().view(-1, VOCAB), labels.view(-1), ignore_index=-100)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        if step % 50 == 0:
            print(f"step {step} loss {average:.4f} {time.time() - start:.0f} s", flush=True)
        if args.checkpoint and step % 250 == 249:
            torch.save(model.state_dict(), args.checkpoint)
    OUT.mkdir(parents=True, exist_ok=True)
    export(model, tok, OUT / "demo.gguf")
    # Measured on the weights as they ship: 8-bit blocks, not the floats of the training run.
    state = model.state_dict()
    for name, p in state.items():
        if p.dim() == 2:
            q8 = gguf.GGMLQuantizationType.Q8_0
            p.copy_(torch.from_numpy(gguf.quants.dequantize(gguf.quants.quantize(p.float().numpy(), q8), q8)))
    report = {
        "seed": SEED, "steps": args.steps, "tokens_per_step": args.tokens, "parameters": sum(p.numel() for p in model.parameters()),
        "final_loss": round(average, 4), "questions_per_kind": args.measure, "accuracy": measure(model, tok, args.measure),
    }
    (OUT / "demo.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
