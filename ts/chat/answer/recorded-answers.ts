import type { ToolDefinition } from '../../inference/index.ts';

// Answers as the models of each family write them, with the sign of the family's template that picks the reader.

export const TOOLS: ToolDefinition[] = [
  {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer' }, detail: { type: 'object' } },
    },
  },
  { name: 'add' },
  { name: 'python' },
];

export interface Family {
  family: string;
  /** What the template holds. */
  signs: string;
  prompt?: string;
  text: string;
  reasoning?: string;
  content?: string;
  calls: [name: string, args: unknown][];
}

export const FAMILIES: Family[] = [
  {
    family: 'Hermes and Qwen3',
    signs: '<think></think><tool_call>',
    text: '<think>\nWeather, \\"then\\" sum.\n</think>\n\nOne moment.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Köln \\"Süd\\" 😀 }", "days": 3, "detail": {"wind": [1, -2.5e3, null, true], "a": {}}}}\n</tool_call>\n<tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>',
    reasoning: 'Weather, \\"then\\" sum.',
    content: 'One moment.',
    calls: [
      ['get_weather', { city: 'Köln "Süd" 😀 }', days: 3, detail: { wind: [1, -2500, null, true], a: {} } }],
      ['add', {}],
    ],
  },
  {
    family: 'Llama 3, JSON alone',
    signs: '<|python_tag|>',
    text: '{"name": "get_weather", "parameters": {"city": "Rom", "days": 2}}; {"name": "add", "parameters": {}}',
    calls: [
      ['get_weather', { city: 'Rom', days: 2 }],
      ['add', {}],
    ],
  },
  {
    family: 'Llama 3, tagged',
    signs: '<|python_tag|>',
    text: '<|python_tag|>{"type": "function", "name": "get_weather", "parameters": {"city": "Rom"}}',
    calls: [['get_weather', { city: 'Rom' }]],
  },
  {
    family: 'Llama 3.1, tools of its own',
    signs: '<|python_tag|>',
    text: '<|python_tag|>get_weather.call(city="R\\"om\'s", days=2)',
    calls: [['get_weather', { city: 'R"om\'s', days: 2 }]],
  },
  {
    family: 'Llama 3, code',
    signs: '<|python_tag|>',
    text: '<|python_tag|>import os\nprint("a", {1: 2})',
    calls: [['python', { code: 'import os\nprint("a", {1: 2})' }]],
  },
  {
    family: 'Llama 3.2, Python',
    signs: 'of unknown kind',
    text: "[get_weather(city='Rom', days=2), add()]",
    calls: [
      ['get_weather', { city: 'Rom', days: 2 }],
      ['add', {}],
    ],
  },
  {
    family: 'Mistral v3',
    signs: '[TOOL_CALLS]',
    text: 'Sure. [TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Rom"}, "id": "abcdefghi"}, {"name": "add", "arguments": {"a": 1}}]',
    content: 'Sure.',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', { a: 1 }],
    ],
  },
  {
    family: 'Mistral v11',
    signs: '[TOOL_CALLS] [THINK]',
    text: '[THINK]Hm.[/THINK][TOOL_CALLS]get_weather[CALL_ID]a1B2c3D4e[ARGS]{"city": "Rom", "days": 1}[TOOL_CALLS]add[ARGS]{}',
    reasoning: 'Hm.',
    calls: [
      ['get_weather', { city: 'Rom', days: 1 }],
      ['add', {}],
    ],
  },
  {
    family: 'Qwen3-Coder',
    signs: '<tool_call>',
    text: 'I look.\n<tool_call>\n<function=get_weather>\n<parameter=city>\n"Rom"\n\n<b>&</b>\n</parameter>\n<parameter=days>\n3\n</parameter>\n<parameter=detail>\n{"wind": true}\n</parameter>\n</function>\n</tool_call>',
    content: 'I look.',
    calls: [['get_weather', { city: '"Rom"\n\n<b>&</b>', days: 3, detail: { wind: true } }]],
  },
  {
    family: 'Qwen3-Coder without its outer tag',
    signs: '<tool_call>',
    text: '<function=add>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>',
    calls: [['add', { a: 1 }]],
  },
  {
    family: 'gpt-oss',
    signs: '<|channel|> <|message|>',
    text: '<|channel|>analysis<|message|>Need the weather.<|end|><|start|>assistant<|channel|>commentary<|message|>Let me look.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Rom",\n "days": 2}',
    reasoning: 'Need the weather.',
    content: 'Let me look.',
    calls: [['get_weather', { city: 'Rom', days: 2 }]],
  },
  {
    family: 'gpt-oss, recipient first',
    signs: '<|channel|> <|message|>',
    text: ' to=functions.add<|channel|>commentary json<|message|>{}<|call|>',
    calls: [['add', {}]],
  },
  {
    family: 'gpt-oss, an answer',
    signs: '<|channel|> <|message|>',
    text: '<|channel|>analysis<|message|>Easy < hard.<|end|><|start|>assistant<|channel|>final<|message|>It is 4 <|.<|return|>',
    reasoning: 'Easy < hard.',
    content: 'It is 4 <|.',
    calls: [],
  },
  {
    family: 'DeepSeek V3 and R1',
    signs: '<think></think><｜tool▁call▁begin｜>',
    prompt: '<｜Assistant｜><think>\n',
    text: 'Look it up.\n</think>\n\nSure.\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{"city": "Rom"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    reasoning: 'Look it up.',
    content: 'Sure.',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
  {
    family: 'DeepSeek V3.1',
    signs: '<｜tool▁call▁begin｜>',
    text: '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Rom"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>add<｜tool▁sep｜>{"a": 1}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', { a: 1 }],
    ],
  },
  {
    family: 'GLM-4.5',
    signs: '<think></think><tool_call>',
    text: '\n<think>So.</think>\nLooking.\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Rom "1"</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>\n<tool_call>add</tool_call>',
    reasoning: 'So.',
    content: 'Looking.',
    calls: [
      ['get_weather', { city: 'Rom "1"', days: 3 }],
      ['add', {}],
    ],
  },
  {
    family: 'GLM-4',
    signs: 'of unknown kind',
    text: '\nget_weather\n{"city": "Rom"}',
    calls: [['get_weather', { city: 'Rom' }]],
  },
  {
    family: 'Granite 3',
    signs: '<|tool_call|>',
    text: '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Rom"}}, {"name": "add", "arguments": {}}]',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
  {
    family: 'Granite, a list in tags',
    signs: '<tool_call>',
    text: '<tool_call>[{"arguments": {"city": "Rom"}, "name": "get_weather"}]',
    calls: [['get_weather', { city: 'Rom' }]],
  },
  {
    family: 'FunctionGemma',
    signs: '<start_function_call>',
    text: '<start_function_call>call:get_weather{city:<escape>Rom, {"a"} < b<escape>,days:2,detail:{wind:[1,true],note:<escape><escape>}}<end_function_call><start_function_call>call:add{}<end_function_call>',
    calls: [
      ['get_weather', { city: 'Rom, {"a"} < b', days: 2, detail: { wind: [1, true], note: '' } }],
      ['add', {}],
    ],
  },
  {
    family: 'Gemma 4',
    signs: '<|tool_call>',
    text: 'Ok.<|tool_call>call:get_weather{city:<|"|>Rom<|"|>,days:42}<tool_call|>',
    content: 'Ok.',
    calls: [['get_weather', { city: 'Rom', days: 42 }]],
  },
  {
    family: 'LFM2',
    signs: '<|tool_list_start|>',
    text: '<|tool_call_start|>[get_weather(city="Rom", days=-1, detail={"wind": [1.5, None, True], \'b\': (1, 2)}), add()]<|tool_call_end|>I look.',
    content: 'I look.',
    calls: [
      ['get_weather', { city: 'Rom', days: -1, detail: { wind: [1.5, null, true], b: [1, 2] } }],
      ['add', {}],
    ],
  },
  {
    family: 'Phi-4',
    signs: '<|tool|>',
    text: '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Rom"}}]<|/tool_call|>',
    calls: [['get_weather', { city: 'Rom' }]],
  },
  {
    family: 'Kimi K2',
    signs: '<think></think><|tool_call_begin|>',
    text: '<think>So.</think>I look.<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Rom", "days": 2}<|tool_call_end|><|tool_call_begin|>functions.add:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>',
    reasoning: 'So.',
    content: 'I look.',
    calls: [
      ['get_weather', { city: 'Rom', days: 2 }],
      ['add', {}],
    ],
  },
  {
    family: 'MiniMax M2',
    signs: '<think></think><minimax:tool_call>',
    text: '<think>\nSo.\n</think>\n\nI look.\n<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Rom "1" & 2</parameter>\n<parameter name="days">2</parameter>\n<parameter name="detail">{"wind": [1, null]}</parameter>\n</invoke>\n<invoke name="add">\n</invoke>\n</minimax:tool_call>',
    reasoning: 'So.',
    content: 'I look.',
    calls: [
      ['get_weather', { city: 'Rom "1" & 2', days: 2, detail: { wind: [1, null] } }],
      ['add', {}],
    ],
  },
  {
    family: 'DeepSeek V3.2',
    signs: '</think><｜DSML｜invoke',
    prompt: '<｜Assistant｜><think>',
    text: 'So.</think>\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city" string="true">Rom</｜DSML｜parameter>\n<｜DSML｜parameter name="days" string="false">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name="add">\n<｜DSML｜parameter name="a" string="true">1</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
    reasoning: 'So.',
    calls: [
      ['get_weather', { city: 'Rom', days: 2 }],
      ['add', { a: '1' }],
    ],
  },
  {
    family: 'Seed-OSS',
    signs: '<seed:think></seed:think><seed:tool_call>',
    text: '<seed:think>So.</seed:think>I look.\n<seed:tool_call>\n<function=get_weather>\n<parameter=city>Rom</parameter>\n<parameter=days>2</parameter>\n</function>\n</seed:tool_call>',
    reasoning: 'So.',
    content: 'I look.',
    calls: [['get_weather', { city: 'Rom', days: 2 }]],
  },
  {
    family: 'Command A',
    signs: '<|START_THINKING|><|START_ACTION|><|START_RESPONSE|>',
    text: '<|START_THINKING|>So.<|END_THINKING|><|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Rom"}},\n    {"tool_call_id": "1", "tool_name": "add", "parameters": {}}\n]<|END_ACTION|>',
    reasoning: 'So.',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
  {
    family: 'Command A, an answer',
    signs: '<|START_THINKING|><|START_ACTION|><|START_RESPONSE|>',
    text: '<|START_THINKING|>So.<|END_THINKING|><|START_RESPONSE|>It is 4 <|.<|END_RESPONSE|>',
    reasoning: 'So.',
    content: 'It is 4 <|.',
    calls: [],
  },
  {
    family: 'Apertus',
    signs: '<|inner_prefix|><|tools_prefix|>',
    text: '<|inner_prefix|>So.<|inner_suffix|>I look.<|tools_prefix|>[{"get_weather": {"city": "Rom", "days": 2}}, {"add": {}}]<|tools_suffix|>',
    reasoning: 'So.',
    content: 'I look.',
    calls: [
      ['get_weather', { city: 'Rom', days: 2 }],
      ['add', {}],
    ],
  },
  {
    family: 'Hunyuan A13B',
    signs: '<think></think><answer></answer><tool_calls>',
    text: '<think>\nSo.\n</think>\n<answer>\nI look.\n<tool_calls>[{"name": "get_weather", "arguments": {"city": "Rom"}}, {"name": "add", "arguments": {}}]</tool_calls>\n</answer>',
    reasoning: 'So.',
    content: 'I look.',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
  {
    family: 'Hy 2',
    signs: '<think></think><tool_calls><tool_call><tool_sep>',
    text: '<tool_calls>\n<tool_call>get_weather<tool_sep>\n<arg_key>city</arg_key>\n<arg_value>Rom</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>\n<tool_call>add<tool_sep>\n</tool_call>\n</tool_calls>',
    calls: [
      ['get_weather', { city: 'Rom', days: 2 }],
      ['add', {}],
    ],
  },
  {
    family: 'Nemotron Nano 2',
    signs: '<think></think><TOOLCALL>',
    text: '<think>So.</think><TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Rom"}}, {"name": "add", "arguments": {}}]</TOOLCALL>',
    reasoning: 'So.',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
  {
    family: 'OLMo 3',
    signs: '<function_calls>',
    text: 'I look.\n<function_calls>\nget_weather(city="Rom", days=2)\nadd(a=1)\n</function_calls>',
    content: 'I look.',
    calls: [
      ['get_weather', { city: 'Rom', days: 2 }],
      ['add', { a: 1 }],
    ],
  },
  {
    family: 'Llama 4',
    signs: '<|python_start|>',
    text: '<|python_start|>[get_weather(city="Rom", days=2), add()]<|python_end|>',
    calls: [
      ['get_weather', { city: 'Rom', days: 2 }],
      ['add', {}],
    ],
  },
  {
    family: 'InternLM 2.5',
    signs: '<|action_start|>',
    text: 'I look.<|action_start|><|plugin|>\n{"name": "get_weather", "parameters": {"city": "Rom"}}<|action_end|>\n',
    content: 'I look.',
    calls: [['get_weather', { city: 'Rom' }]],
  },
  {
    family: 'Functionary 3.1',
    signs: 'of unknown kind <tool_call> <function=',
    text: '<function=get_weather>{"city": "Rom"}</function>\n<function=add>{}</function>',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
  {
    family: 'Gemma 4, thinking',
    signs: '<|channel><|tool_call>',
    text: '<|channel>thought\nSo.\n<channel|>Ok.<|tool_call>call:get_weather{city:<|"|>Rom<|"|>}<tool_call|>',
    reasoning: 'So.',
    content: 'Ok.',
    calls: [['get_weather', { city: 'Rom' }]],
  },
  {
    family: 'Phi-4, its list alone',
    signs: '<|tool|>',
    text: ' functools[{"name": "get_weather", "arguments": {"city": "Rom"}}, {"name": "add", "arguments": {}}]',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
  {
    family: 'Hermes, calls with a comma between them',
    signs: '<tool_call>',
    text: '<tool_call>{"name": "get_weather", "arguments": {"city": "Rom"}},\n{"name": "add", "arguments": {}}</tool_call>Done, {really}.',
    content: 'Done, {really}.',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
  {
    family: 'Hermes, in a fence',
    signs: '<tool_call>',
    text: 'I look.\n<tool_call>\n```json\n{"name": "get_weather", "arguments": {"city": "Rom"}}\n```\n</tool_call>',
    content: 'I look.',
    calls: [['get_weather', { city: 'Rom' }]],
  },
  {
    family: 'Mistral v11, a brace too many',
    signs: '[TOOL_CALLS]',
    text: '[TOOL_CALLS]get_weather[ARGS]{"city": "Rom"}}[TOOL_CALLS]add[ARGS]{}}}',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
  {
    family: 'Mistral v3, a brace too many',
    signs: '[TOOL_CALLS]',
    text: '[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Rom"}}}, {"name": "add", "arguments": {}}}]',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
  {
    family: 'Apertus, a brace too many',
    signs: '<|inner_prefix|><|tools_prefix|>',
    text: '<|tools_prefix|>[{"get_weather": {"city": "Rom"}}}]<|tools_suffix|>Done.',
    content: 'Done.',
    calls: [['get_weather', { city: 'Rom' }]],
  },
  {
    family: 'gpt-oss, a brace too many',
    signs: '<|channel|> <|message|>',
    text: '<|channel|>commentary to=functions.add <|constrain|>json<|message|>{"a": 1}}<|call|>',
    calls: [['add', { a: 1 }]],
  },
  {
    family: 'Hermes, a dictionary of Python',
    signs: '<tool_call>',
    text: `<tool_call>\n{'name': 'get_weather', 'arguments': {'city': "R'om", 'days': 3, 'detail': {'wind': [True, None, -1.5], 'it\\'s': 'a "b"\\n'}}}\n</tool_call>`,
    calls: [['get_weather', { city: "R'om", days: 3, detail: { wind: [true, null, -1.5], "it's": 'a "b"\n' } }]],
  },
  {
    family: 'Hermes, words of Python in JSON',
    signs: '<tool_call>',
    text: '<tool_call>{"name": "get_weather", "arguments": {"city": "Rom", "detail": {"wind": False}}}</tool_call>',
    calls: [['get_weather', { city: 'Rom', detail: { wind: false } }]],
  },
  {
    family: 'LFM2, arguments by their place',
    signs: '<|tool_list_start|>',
    text: '<|tool_call_start|>[get_weather("Rom", 3, detail={"wind": True}), get_weather("Oslo", -2)]<|tool_call_end|>',
    calls: [
      ['get_weather', { city: 'Rom', days: 3, detail: { wind: true } }],
      ['get_weather', { city: 'Oslo', days: -2 }],
    ],
  },
  {
    family: 'GLM-4.7',
    signs: '<think></think><tool_call></arg_key><arg_value>',
    prompt: '<|assistant|><think>',
    text: 'Weather.</think><tool_call>get_weather<arg_key>city</arg_key><arg_value>Rom</arg_value><arg_key>days</arg_key><arg_value>3</arg_value></tool_call><tool_call>add</tool_call>',
    reasoning: 'Weather.',
    calls: [
      ['get_weather', { city: 'Rom', days: 3 }],
      ['add', {}],
    ],
  },
  {
    family: 'Qwen3.5 and Nemotron 3',
    signs: '<think></think><tool_call><function=<parameter=',
    prompt: '<|im_start|>assistant\n<think>\n',
    text: 'The user asks.\n</think>\n\n<tool_call>\n<function=get_weather>\n<parameter=city>\nRom\n</parameter>\n<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=add>\n</function>\n</tool_call>',
    reasoning: 'The user asks.',
    calls: [
      ['get_weather', { city: 'Rom', days: 2 }],
      ['add', {}],
    ],
  },
  {
    family: 'ERNIE 4.5',
    signs: '<think></think><tool_call><response>',
    prompt: '<think>\n',
    text: 'Both.\n</think>\n\n<response>\nI look.\n</response>\n\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rom"}}\n</tool_call>\n',
    reasoning: 'Both.',
    content: 'I look.',
    calls: [['get_weather', { city: 'Rom' }]],
  },
  {
    family: 'Granite 4, EXAONE 4 and SmolLM3',
    signs: '<tool_call>',
    text: '<tool_call>{"name": "get_weather", "arguments": {"city": "Rom"}}</tool_call>\n<tool_call>{"name": "add", "arguments": {}}</tool_call>',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
  {
    family: 'Ministral 3 and Devstral 2',
    signs: '[THINK][TOOL_CALLS][ARGS]',
    text: '[THINK]Two of them.[/THINK][TOOL_CALLS]get_weather[ARGS]{"city": "Rom"}[TOOL_CALLS]add[ARGS]{}',
    reasoning: 'Two of them.',
    calls: [
      ['get_weather', { city: 'Rom' }],
      ['add', {}],
    ],
  },
];
