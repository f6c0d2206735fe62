//! What the names in `tokenizer.ggml.pre` stand for. The patterns are those of the models' own tokenizer.json files, with `\s+`
//! where those have `\s+(?!\S)|\s+` (see `step.rs`).

use super::step::{Blanks, Digits, Rule};

const CONTRACTIONS: &str = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+";
/// What most later patterns end with.
const TAIL: &str = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const UPPER: &str = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
const LOWER: &str = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
const LINES: &str = r"[^\n]+|[\n]+";
const CJK: &str = "[\u{4e00}-\u{9fa5}\u{3040}-\u{309f}\u{30a0}-\u{30ff}]+";
const CJK_AND_HANGUL: &str = "[\u{4e00}-\u{9fa5}\u{800}-\u{4e00}\u{ac00}-\u{d7ff}]+";
const SYMBOL_THEN_LETTERS: &str =
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##;
/// Scripts that are written without spaces.
const UNSPACED: &str = concat!(
    "[\u{4e00}-\u{9fff}\u{3400}-\u{4dbf}\u{f900}-\u{faff}\u{3040}-\u{309f}\u{30a0}-\u{30ff}\u{ff65}-\u{ff9f}",
    "\u{2f00}-\u{2fdf}\u{e40}-\u{e7f}\u{e80}-\u{eff}\u{1780}-\u{17ff}\u{1000}-\u{109f}\u{aa60}-\u{aa7f}",
    "\u{a9e0}-\u{a9ff}\u{ac00}-\u{d7af}\u{1100}-\u{11ff}]+"
);
/// Letters of alphabets with case, as DeepSeek's first tokenizer lists them.
const CASED_LETTERS: &str = concat!(
    "\u{41}-\u{5a}\u{61}-\u{7a}\u{b5}\u{c0}-\u{d6}\u{d8}-\u{f6}\u{f8}-\u{1ba}\u{1bc}-\u{1bf}\u{1c4}-\u{293}",
    "\u{295}-\u{2af}\u{370}-\u{373}\u{376}\u{377}\u{37b}-\u{37d}\u{37f}\u{386}\u{388}-\u{38a}\u{38c}",
    "\u{38e}-\u{3a1}\u{3a3}-\u{3f5}\u{3f7}-\u{481}\u{48a}-\u{52f}\u{531}-\u{556}\u{10a0}-\u{10c5}",
    "\u{13a0}-\u{13f5}\u{13f8}-\u{13fd}\u{1c90}-\u{1cba}\u{1cbd}-\u{1cbf}\u{1d00}-\u{1d2b}\u{1d6b}-\u{1d77}",
    "\u{1d79}-\u{1d9a}\u{1e00}-\u{1f15}\u{1f18}-\u{1f1d}\u{1f20}-\u{1f45}\u{1f48}-\u{1f4d}\u{1f50}-\u{1f57}",
    "\u{1f59}\u{1f5b}\u{1f5d}\u{1f5f}-\u{1f7d}\u{1f80}-\u{1fb4}\u{1fb6}-\u{1fbc}\u{1fbe}\u{1fc2}-\u{1fc4}",
    "\u{1fc6}-\u{1fcc}\u{1fd0}-\u{1fd3}\u{1fd6}-\u{1fdb}\u{1fe0}-\u{1fec}\u{1ff2}-\u{1ff4}\u{1ff6}-\u{1ffc}",
    "\u{2102}\u{2107}\u{210a}-\u{2113}\u{2115}\u{2119}-\u{211d}\u{2124}\u{2126}\u{2128}\u{212a}-\u{212d}",
    "\u{212f}-\u{2134}\u{2139}\u{213c}-\u{213f}\u{2145}-\u{2149}\u{214e}\u{2183}\u{2184}\u{2c00}-\u{2c7b}",
    "\u{2c7e}-\u{2ce4}\u{2ceb}-\u{2cee}\u{2cf2}\u{2cf3}\u{a640}-\u{a66d}\u{a680}-\u{a69b}\u{a722}-\u{a76f}",
    "\u{a771}-\u{a787}\u{a78b}-\u{a78e}\u{ab70}-\u{abbf}\u{fb00}-\u{fb06}\u{fb13}-\u{fb17}\u{ff21}-\u{ff3a}",
    "\u{ff41}-\u{ff5a}\u{10400}-\u{1044f}\u{104b0}-\u{104d3}\u{104d8}-\u{104fb}\u{10c80}-\u{10cb2}",
    "\u{10cc0}-\u{10cf2}\u{118a0}-\u{118df}\u{1e900}-\u{1e943}",
);

/// What a name stands for, apart from the words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PreDefaults {
    /// Words that are tokens are not merged.
    pub(super) ignore_merges: bool,
    pub(super) add_bos: bool,
    /// SEP stands between the texts of a pair.
    pub(super) add_separator: bool,
    /// Tokens are spelled as text with ▁ for spaces, not in the alphabet of bytes.
    pub(super) plain_text: bool,
}

/// The rules that cut text into words, in the order of their use; none for names that are not known.
pub(super) fn named(pre: &str) -> Option<(Vec<Rule>, PreDefaults)> {
    let words = |letters: &str, digits: &str| {
        format!("{CONTRACTIONS}|[^\\r\\n\\p{{L}}\\p{{N}}]?{letters}+|{digits}|{TAIL}")
    };
    let llama3 = || words(r"\p{L}", r"\p{N}{1,3}");
    let qwen2 = || words(r"\p{L}", r"\p{N}");
    let by_case = |upper: &str, lower: &str, suffix: &str, digits: &str, slash: &str| {
        let lead = r"[^\r\n\p{L}\p{N}]?";
        format!(
            r"{lead}{upper}*{lower}+{suffix}|{lead}{upper}+{lower}*{suffix}|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n{slash}]*|\s*[\r\n]+|\s+"
        )
    };
    let contraction = format!("{CONTRACTIONS}?");
    let gpt4o = || by_case(UPPER, LOWER, &contraction, r"\p{N}{1,3}", "/");
    let mut defaults = PreDefaults::default();
    let one = |pattern: String| vec![Rule::from(pattern)];
    let rules = match pre {
        "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "falcon-h1" | "pixtral" | "midm-2.0" | "lfm2"
        | "jina-v5-nano" => {
            (defaults.ignore_merges, defaults.add_bos) = (true, true);
            one(llama3())
        }
        "dbrx" | "smaug-bpe" | "chatglm-bpe" => one(llama3()),
        "glm4" | "glm5" => {
            defaults.ignore_merges = true;
            one(llama3())
        }
        "qwen2" | "deepseek-r1-qwen" | "kormo" | "f2llmv2" | "megrez" | "stablelm2" | "hunyuan" | "solar-open"
        | "grok-2" => one(qwen2()),
        "ufakzeka" => one(format!(r"[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{TAIL}")),
        "qwen35" => one(format!(
            r"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+"
        )),
        "gpt-2" | "phi-2" | "mpt" | "olmo" | "jais" | "trillion" | "modern-bert" | "gigachat" | "a.x-4.0" | "mellum"
        | "exaone4" | "granite-docling" | "jina-es" | "jina-de" | "jina-v2-es" | "jina-v2-de" => one(GPT2.to_owned()),
        "jina-v1-en" | "jina-v2-code" | "roberta-bpe" => {
            defaults.add_separator = true;
            one(GPT2.to_owned())
        }
        "starcoder" | "refact" | "command-r" | "smollm" | "codeshell" | "exaone" | "minerva-7b" | "mellum2" => {
            vec![r"\p{N}".into(), GPT2.into()]
        }
        "falcon" => vec![r"[\p{P}\$\+<=>\^~\|`]+".into(), GPT2.into(), "[0-9][0-9][0-9]".into()],
        "default" => {
            vec![r"[\p{P}\$\+<=>\^~\|]+".into(), GPT2.into(), r"\p{N}+".into(), "[0-9][0-9][0-9]".into()]
        }
        "deepseek-v3" | "hunyuan-dense" | "joyai-llm" | "hy_v4" => vec![
            r"\p{N}{1,3}".into(),
            CJK.into(),
            format!(r"{SYMBOL_THEN_LETTERS}| ?[\p{{P}}\p{{S}}]+[\r\n]*|\s*[\r\n]+|\s+").into(),
        ],
        "spark2_5" => vec![
            r"\p{N}{1,3}".into(),
            CJK.into(),
            format!(r"{SYMBOL_THEN_LETTERS}| ?[\p{{P}}\p{{S}}]+|[\r\n]|\s+").into(),
            r"\p{N}".into(),
        ],
        "afmoe" => vec![
            Rule::Digits(Digits::Runs),
            UNSPACED.into(),
            format!(r"{SYMBOL_THEN_LETTERS}| ?[\p{{P}}\p{{S}}]+[\r\n]*|\s*[\r\n]+|\s+").into(),
        ],
        "deepseek-llm" => vec![
            r"[\r\n]".into(),
            format!(r"\s?[{CASED_LETTERS}]+").into(),
            "\\s?[!-/:-~\u{ff01}-\u{ff0f}\u{ff1a}-\u{ff5e}\u{2018}-\u{201f}\u{3000}-\u{3002}]+".into(),
            r"\s+$".into(),
            CJK_AND_HANGUL.into(),
            r"\p{N}+".into(),
        ],
        "deepseek-coder" => vec![
            r"[\r\n]".into(),
            r"\s?\p{L}+".into(),
            r"\s?\p{P}+".into(),
            CJK_AND_HANGUL.into(),
            r"\p{N}".into(),
        ],
        "tekken" => {
            (defaults.ignore_merges, defaults.add_bos) = (true, true);
            one(by_case(UPPER, LOWER, "", r"\p{N}", "/"))
        }
        "gpt-4o" | "llama4" | "kanana2" | "talkie" | "minimax-m2" => one(gpt4o()),
        "granite-embed-multi-97m" => {
            defaults.ignore_merges = true;
            one(gpt4o())
        }
        "tiny_aya" | "cohere2moe" => vec![Rule::Digits(Digits::WholeWords), gpt4o().into()],
        "kimi-k2" => {
            let upper = format!(r"[{UPPER}&&[^\p{{Han}}]]");
            let lower = format!(r"[{LOWER}&&[^\p{{Han}}]]");
            let rest = by_case(&upper, &lower, &contraction, r"\p{N}{1,3}", "");
            one(format!(r"\p{{Han}}+|{rest}"))
        }
        "youtu" => {
            defaults.ignore_merges = true;
            let scripts = concat!(
                "[\u{ac00}-\u{d7a3}\u{3131}-\u{318e}]+|",
                "[\u{ff01}\u{2026}\u{201c}\u{201d}\u{2018}\u{2019}\u{2014}\u{ff1a}\u{ff1b}\u{ff0c}",
                "\u{3001}-\u{303f}\u{fe30}-\u{fe4f}]+|[\u{3105}-\u{312f}]+|"
            );
            vec![format!("{scripts}{CJK}").into(), by_case(UPPER, LOWER, &contraction, r"\p{N}", "/").into()]
        }
        "bailingmoe" | "bailingmoe2" | "llada-moe" => vec![
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+".into(),
        ],
        "exaone-moe" => one(format!(
            r"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?(?:\p{{L}}\p{{M}}*(?: \p{{L}}\p{{M}}*)*)+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]?|\s*[\r\n]|\s+"
        )),
        "seed-coder" => one(format!(
            r"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|\s*[\r\n]+|\s+"
        )),
        "jais-2" => vec![Rule::Pattern { pattern: llama3(), blanks: Blanks::Powers }],
        "minicpm5" => {
            defaults.ignore_merges = true;
            vec![r"\p{N}{1,3}".into(), words(r"\p{L}", r"\p{N}+").into()]
        }
        "superbpe" => vec![r"\p{N}+".into(), Rule::Digits(Digits::Cuts)],
        "laguna" => vec![LINES.into(), qwen2().into()],
        "gemma4" | "sarvam-moe" | "granite-embed-multi-311m" => {
            defaults.plain_text = true;
            defaults.add_bos = pre == "gemma4";
            one(LINES.to_owned())
        }
        "chameleon" => vec![
            "<sentinel:[0-9]+>".into(),
            "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z".into(),
            r"([\t\n]|    |  )".into(),
            r"\p{N}".into(),
            r"[\p{P}!-/:-@\[-`{-~]".into(),
            GPT2.into(),
        ],
        "bloom" | "poro-chat" | "gpt3-finnish" => vec![r" ?[^(\s|.,!?…。，、।۔،)]+".into()],
        "viking" => vec![r" ?[^(\s|.,!?…。，、।۔،)]+".into(), r"\p{N}".into()],
        _ => return None,
    };
    Some((rules, defaults))
}
