/** What is known about a model besides its weights. */
export interface ModelFacts {
  /** `general.architecture` of a GGUF file, or the first of `architectures` in a `config.json`. */
  architecture?: string;
  /** The hub's `pipeline_tag`, such as `text-to-image`. */
  pipeline?: string;
  /** The hub's `library_name`, such as `diffusers`. */
  library?: string;
}

const IMAGE = 'an image generation model';
const VIDEO = 'a video generation model';
const SPEECH = 'a speech recognition model';
const VOICE = 'a speech synthesis model';
const VISION = 'a vision-language model';
const CLASSIFIER = 'a text classifier';

const PIPELINES: Readonly<Record<string, string>> = {
  'text-to-image': IMAGE,
  'image-to-image': IMAGE,
  'unconditional-image-generation': IMAGE,
  'text-to-video': VIDEO,
  'image-to-video': VIDEO,
  'automatic-speech-recognition': SPEECH,
  'text-to-speech': VOICE,
  'text-to-audio': 'an audio generation model',
  'audio-to-audio': 'an audio model',
  'audio-classification': 'an audio classifier',
  'audio-text-to-text': 'a model that listens',
  'voice-activity-detection': 'a voice detector',
  'image-text-to-text': VISION,
  'image-to-text': VISION,
  'video-text-to-text': VISION,
  'visual-question-answering': VISION,
  'any-to-any': 'a model of several media',
  'image-classification': 'an image classifier',
  'zero-shot-image-classification': 'an image and text encoder',
  'image-feature-extraction': 'an image encoder',
  'image-segmentation': 'an image segmentation model',
  'mask-generation': 'an image segmentation model',
  'object-detection': 'an object detector',
  'depth-estimation': 'a depth estimator',
  'fill-mask': 'a text encoder for filling in masked words',
  'token-classification': 'a token classifier',
  'text-classification': CLASSIFIER,
  'zero-shot-classification': CLASSIFIER,
  'question-answering': 'an extractive question answering model',
  translation: 'a translation model',
  'time-series-forecasting': 'a forecasting model',
  robotics: 'a robotics model',
};

/** By the architecture's name; the first that matches counts. */
const ARCHITECTURES: readonly [RegExp, string][] = [
  [/^(?:clip|mmproj)$/, 'a vision projector, which is a part of another model'],
  [/^(?:flux|sd1|sd2|sd3|sdxl|qwen_image|lumina2?|hidream|aura|z_image|cosmos)/i, IMAGE],
  [/^(?:wan|hyvid|ltxv|mochi)/i, VIDEO],
  [/whisper|wav2vec|hubert|moonshine|parakeet|seamless/i, SPEECH],
  [/wavtokenizer|outetts|vits|bark|speecht5|parler/i, VOICE],
  [/^(?:siglip|CLIP|Siglip|Clap)/, 'an image and text encoder'],
  [/llava|idefics|paligemma|florence|mllama|internvl|pixtral|vision|(?:VL|Vl)(?:Moe)?For|vl(?:moe)?$/i, VISION],
  [/^(?:vit|dinov2|resnet|convnext)/i, 'an image encoder'],
  [/^(?:t5|mt5|bart|mbart|marian|pegasus)/i, 'an encoder-decoder model'],
  [/For(?:Sequence|Token)Classification$/, CLASSIFIER],
  [/Lora|Peft/i, 'an adapter for another model'],
];

/** What a model is made for, as words that follow "it is"; undefined for what generates text, and where nothing tells. */
export function taskOf({ architecture = '', pipeline = '', library }: ModelFacts): string | undefined {
  const byName = ARCHITECTURES.find(([pattern]) => pattern.test(architecture))?.[1];
  const byTag = Object.hasOwn(PIPELINES, pipeline) ? PIPELINES[pipeline] : undefined;
  return byName ?? byTag ?? (library === 'diffusers' ? IMAGE : undefined);
}

const METHODS: Readonly<Record<string, string>> = {
  gptq: 'GPTQ',
  awq: 'AWQ',
  bitsandbytes: 'bitsandbytes',
  fp8: 'FP8',
  mxfp4: 'MXFP4',
  'compressed-tensors': 'compressed-tensors',
  eetq: 'EETQ',
  exl2: 'EXL2',
  hqq: 'HQQ',
  aqlm: 'AQLM',
  quanto: 'Quanto',
  torchao: 'TorchAO',
};

/** The method that a `config.json` says its weights are quantised with; undefined where it says none. */
export function quantizationMethod(config: unknown): string | undefined {
  if (!isObject(config)) return undefined;
  const { quantization_config: own, quantization } = config;
  if (isObject(own) && typeof own.quant_method === 'string') {
    const method = own.quant_method.toLowerCase();
    return Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  }
  return isObject(quantization) && 'bits' in quantization ? 'MLX' : undefined;
}

/** The first of `architectures` in a `config.json`. */
export function configArchitecture(config: unknown): string | undefined {
  const names = isObject(config) ? config.architectures : undefined;
  const [first] = Array.isArray(names) ? names : [];
  return typeof first === 'string' ? first.slice(0, 80) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
