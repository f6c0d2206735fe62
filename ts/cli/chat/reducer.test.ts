import { describe, expect, test } from 'vitest';
import { reduce } from './reducer.ts';
import { type Action, type AnswerEnd, type ChatKey, type ChatState, type Effect, initialState } from './state.ts';

const END: AnswerEnd = { reason: 'stop', tokens: 12, tokensPerSecond: 34.56 };

/** A chat to type into: keeps the state and collects the effects. */
class Chat {
  state: ChatState;
  effects: Effect[] = [];
  /** Every key is pressed long after the one before, unless a test says otherwise. */
  atMs = 0;

  constructor(options: Partial<Parameters<typeof initialState>[0]> = {}) {
    this.state = initialState({ model: 'demo', columns: 40, ...options });
  }

  do(action: Action): this {
    const step = reduce(this.state, action);
    this.state = step.state;
    this.effects.push(...step.effects);
    return this;
  }

  key(key: ChatKey, input = ''): this {
    this.atMs += 60_000;
    return this.do({ type: 'key', input, key, atMs: this.atMs });
  }

  ctrl(input: string): this {
    return this.key({ ctrl: true }, input);
  }

  type(text: string): this {
    for (const character of text) this.key({}, character);
    return this;
  }

  send(text: string): this {
    return this.type(text).key({ return: true });
  }

  answer(text: string, end: AnswerEnd = END): this {
    return this.do({ type: 'delta', part: 'answer', text }).do({ type: 'answered', end });
  }

  /** The field with a bar where the cursor stands. */
  get field(): string {
    const { text, cursor } = this.state.editor;
    return `${text.slice(0, cursor)}|${text.slice(cursor)}`;
  }

  get shown(): string[] {
    return this.state.entries.map(({ kind, text }) => `${kind}: ${text}`);
  }

  get asked() {
    return this.effects.filter((effect) => effect.type === 'ask').map((effect) => effect.conversation);
  }
}

describe('asking and answering', () => {
  test('Enter sends what is typed, with everything said before', () => {
    const chat = new Chat({ system: 'Be short.', settings: { temperature: 0 } })
      .send('Hi')
      .answer('Hello!')
      .send('And you?');
    expect(chat.asked).toEqual([
      { model: 'demo', system: 'Be short.', settings: { temperature: 0 }, messages: [{ role: 'user', content: 'Hi' }] },
      {
        model: 'demo',
        system: 'Be short.',
        settings: { temperature: 0 },
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: 'Hello!' },
          { role: 'user', content: 'And you?' },
        ],
      },
    ]);
    expect(chat.field).toBe('|');
  });

  test('text and Enter that arrive in one piece are sent, lines in between stay lines', () => {
    const chat = new Chat().key({}, 'one\rtwo\r');
    expect(chat.asked[0]?.messages[0]?.content).toBe('one\ntwo');
    expect(chat.key({}, 'three\rfour').asked).toHaveLength(1);
  });

  test('an empty message is not sent', () => {
    expect(new Chat().send('   ').effects).toEqual([]);
  });

  test('the speed of the last answer is shown until the next question', () => {
    const chat = new Chat().send('Hi').answer('Hello!');
    expect(chat.state.status).toBe('12 tokens · 34.6 tokens/s');
    expect(chat.send('Again').state.status).toBe('');
  });

  test('rows leave for the transcript as they are finished, and only the last one is kept back', () => {
    const chat = new Chat({ columns: 10 }).send('Go').do({ type: 'delta', part: 'answer', text: 'one two three' });
    expect(chat.shown).toEqual(['user: Go', 'answer: one two']);
    expect(chat.state.answer?.tail).toBe('three');
    chat.do({ type: 'delta', part: 'answer', text: ' four\n\nfive' });
    expect(chat.shown.slice(1)).toEqual(['answer: one two', 'answer: three four\n']);
    chat.do({ type: 'answered', end: END });
    expect(chat.shown.at(-1)).toBe('answer: five');
    expect(chat.state.messages.at(-1)).toEqual({ role: 'assistant', content: 'one two three four\n\nfive' });
  });

  test('reasoning is kept apart and is no part of the conversation', () => {
    const chat = new Chat()
      .send('Why?')
      .do({ type: 'delta', part: 'reasoning', text: '\nHm.' })
      .do({ type: 'delta', part: 'answer', text: '\n\nBecause.' })
      .do({ type: 'answered', end: END });
    const folded = 'notice: Thinking: 1 word, /thoughts shows them';
    expect(chat.shown).toEqual(['user: Why?', folded, 'notice: ', 'answer: Because.']);
    expect(chat.send('/thoughts').shown.at(-1)).toBe('reasoning: Hm.');
    expect(chat.state.messages.at(-1)?.content).toBe('\n\nBecause.');
  });

  test('escape sequences of a model do not reach the terminal, in pieces or whole', () => {
    const chat = new Chat().send('Hi').do({ type: 'delta', part: 'answer', text: 'a\u001b' });
    chat.do({ type: 'delta', part: 'answer', text: '[2Jb\u0007\u009bc\r\nd' }).do({ type: 'answered', end: END });
    expect(chat.shown.slice(1).join('\n')).toBe('answer: a[2Jbc\nanswer: d');
  });

  test('an answer in any script is shown as it is, and nothing in it reorders what stands beside it', () => {
    const chat = new Chat({ columns: 80 }).send('Hi');
    for (const text of ['می', '\u200c', 'خواهم \u202e', 'exe.txt\u2066 ', '👩\u200d', '👧 \u{e0041}שלום'])
      chat.do({ type: 'delta', part: 'answer', text });
    chat.do({ type: 'answered', end: END });
    expect(chat.shown.at(-1)).toBe('answer: می\u200cخواهم exe.txt 👩\u200d👧 שלום');
    // What was said is sent along as it was said.
    expect(chat.state.messages.at(-1)?.content).toContain('\u202e');
  });

  test('an answer cut at its longest length says so', () => {
    const chat = new Chat({ columns: 80 }).send('Hi').answer('Well', { ...END, reason: 'length' });
    expect(chat.shown.at(-1)).toBe('notice: The answer ends here: it reached its longest length.');
  });

  test('a failed question is not sent again with the next one', () => {
    const chat = new Chat().send('Hi').do({ type: 'failed', message: 'The model is gone.', hint: 'omg list' });
    expect(chat.shown).toEqual(['user: Hi', 'error: The model is gone.', 'hint: omg list']);
    chat.send('Hello');
    expect(chat.asked.at(-1)?.messages).toEqual([{ role: 'user', content: 'Hello' }]);
  });

  test('what was said before a failure stays in the conversation', () => {
    const chat = new Chat().send('Hi').do({ type: 'delta', part: 'answer', text: 'Hel' });
    chat.do({ type: 'failed', message: 'The runner ended.' });
    expect(chat.state.messages).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hel' },
    ]);
  });

  test('a second question waits for the first answer and keeps what is typed', () => {
    const chat = new Chat().send('One').type('Two').key({ return: true });
    expect(chat.asked).toHaveLength(1);
    expect(chat.field).toBe('Two|');
    expect(chat.state.hint).toContain('Wait for the answer');
  });
});

describe('the last question and its answer', () => {
  test('/retry asks again without the answer', () => {
    const chat = new Chat().send('One').answer('1').send('Two').answer('bad').send('/retry');
    expect(chat.asked.at(-1)?.messages.map(({ content }) => content)).toEqual(['One', '1', 'Two']);
    chat.answer('good');
    expect(chat.state.messages.at(-1)?.content).toBe('good');
    expect(chat.state.messages).toHaveLength(4);
  });

  test('/retry that yields nothing keeps the answer there was', () => {
    const retried = () => new Chat().send('One').answer('1').send('/retry');
    for (const chat of [
      retried().do({ type: 'failed', message: 'No.' }),
      retried().answer(''),
      retried().key({ ctrl: true }, 'c').answer(''),
    ]) {
      expect(chat.state.messages.map(({ content }) => content)).toEqual(['One', '1']);
      expect(chat.shown.at(-1)).toContain('The answer before stays.');
      chat.send('Two');
      expect(chat.asked.at(-1)?.messages.map(({ content }) => content)).toEqual(['One', '1', 'Two']);
    }
  });

  test('/edit brings the question back into the field', () => {
    const chat = new Chat().send('One').answer('1').send('Tow').answer('?').send('/edit');
    expect(chat.field).toBe('Tow|');
    expect(chat.state.messages).toHaveLength(2);
  });

  test('/copy copies the answer and nothing else', () => {
    expect(new Chat().send('One').answer('1').send('/copy').effects.at(-1)).toEqual({ type: 'copy', text: '1' });
  });

  test.each(['/retry', '/edit', '/copy'])('%s before any answer says so', (command) => {
    expect(new Chat().send(command).shown.at(-1)).toBe('error: Nothing has been answered yet.');
  });

  test('/model lists or switches, /show describes, /load without a name lists', () => {
    const last = (text: string) => new Chat().send(text).effects.at(-1);
    expect(last('/model')).toEqual({ type: 'list-models' });
    expect(last('/model other')).toEqual({ type: 'switch', model: 'other' });
    expect(last('/show')).toEqual({ type: 'describe', model: 'demo' });
    expect(last('/load')).toEqual({ type: 'list-chats' });
    const switched = new Chat().send('One').answer('1').do({ type: 'switched', model: 'other' }).send('Two');
    expect(switched.asked.at(-1)).toMatchObject({ model: 'other', messages: [{}, {}, { content: 'Two' }] });
  });
});

describe('what happens beside an answer', () => {
  test('a problem with a file does not end it', () => {
    const chat = new Chat().send('Why?').do({ type: 'problem', message: 'The disk is full.' });
    chat.answer('Because.');
    expect(chat.shown).toEqual(['user: Why?', 'error: The disk is full.', 'answer: Because.']);
    expect(chat.state.messages.at(-1)?.content).toBe('Because.');
  });

  test('an answer that the thoughts used up says so', () => {
    const chat = new Chat({ columns: 200, settings: { num_predict: 2 } }).send('Why?');
    chat
      .do({ type: 'delta', part: 'reasoning', text: 'Hm' })
      .do({ type: 'answered', end: { ...END, reason: 'length' } });
    expect(chat.shown.at(-1)).toMatch(/^notice: The thoughts used up .*num_predict 2.*think=off/);
  });

  test('lines that were typed before the chat was there are sent one by one', () => {
    expect(new Chat().key({}, '/bye\n').state.done).toBe(true);
    const chat = new Chat().key({}, '/set top_k 5\nHello\nmore');
    expect(chat.asked).toMatchObject([{ settings: { top_k: 5 }, messages: [{ content: 'Hello' }] }]);
    expect(chat.field).toBe('more|');
  });
});

describe('stopping and leaving', () => {
  test('Ctrl-C stops the answer and not the program', () => {
    const chat = new Chat().send('Count').do({ type: 'delta', part: 'answer', text: 'one, two' }).ctrl('c');
    expect(chat.effects.at(-1)).toEqual({ type: 'cancel' });
    chat.do({ type: 'delta', part: 'answer', text: ', three' });
    chat.do({ type: 'answered', end: { ...END, reason: 'cancelled' } });
    expect(chat.shown.slice(1)).toEqual(['answer: one, two', 'notice: Stopped.']);
    expect(chat.state.messages.at(-1)).toEqual({ role: 'assistant', content: 'one, two' });
    expect(chat.state.done).toBe(false);
  });

  test('stopping twice cancels once', () => {
    const chat = new Chat().send('Count').ctrl('c').ctrl('c').key({ escape: true });
    expect(chat.effects.filter(({ type }) => type === 'cancel')).toHaveLength(1);
  });

  test('a question stopped before the first word is forgotten', () => {
    const chat = new Chat()
      .send('Count')
      .ctrl('c')
      .do({ type: 'answered', end: { ...END, reason: 'cancelled' } });
    expect(chat.state.messages).toEqual([]);
    expect(chat.state.answer).toBeUndefined();
  });

  test('Ctrl-C at a filled prompt empties it, at an empty one it says how to leave', () => {
    const chat = new Chat().type('abc').ctrl('c');
    expect(chat.field).toBe('|');
    chat.ctrl('c');
    expect(chat.state.hint).toContain('/bye');
    expect(chat.effects).toEqual([]);
    expect(chat.type('x').state.hint).toBeUndefined();
  });

  test('Ctrl-C twice within two seconds leaves, also while the model answers', () => {
    const twice = (chat: Chat, laterMs: number) => {
      const interrupt = (atMs: number) => chat.do({ type: 'key', input: 'c', key: { ctrl: true }, atMs });
      interrupt(chat.atMs + 60_000);
      interrupt(chat.atMs + 60_000 + laterMs);
      return chat.state.done;
    };
    expect(twice(new Chat(), 500)).toBe(true);
    expect(twice(new Chat(), 2500)).toBe(false);
    expect(twice(new Chat().send('Count'), 500)).toBe(true);
    const other = new Chat().do({ type: 'key', input: 'c', key: { ctrl: true }, atMs: 0 });
    other.do({ type: 'key', input: 'x', key: {}, atMs: 1 });
    expect(other.do({ type: 'key', input: 'c', key: { ctrl: true }, atMs: 2 }).state.done).toBe(false);
  });

  test.each(['/bye', '/exit', '/quit'])('%s leaves', (command) => {
    expect(new Chat().send(command).effects.at(-1)).toEqual({ type: 'quit' });
  });

  test('Ctrl-D leaves at an empty prompt and deletes to the right otherwise', () => {
    const chat = new Chat().type('ab').key({ home: true }).ctrl('d');
    expect(chat.field).toBe('|b');
    expect(chat.ctrl('d').ctrl('d').state.done).toBe(true);
  });

  test('leaving during an answer cancels it', () => {
    expect(new Chat().send('Hi').ctrl('d').effects.slice(-2)).toEqual([{ type: 'cancel' }, { type: 'quit' }]);
  });
});

describe('editing', () => {
  test.each<[string, (chat: Chat) => Chat, string]>([
    ['left', (chat) => chat.key({ leftArrow: true }), 'one tw|o'],
    ['word left', (chat) => chat.key({ leftArrow: true, meta: true }), 'one |two'],
    ['two words left', (chat) => chat.key({ meta: true }, 'b').key({ meta: true }, 'b'), '|one two'],
    ['home', (chat) => chat.key({ home: true }), '|one two'],
    ['Ctrl-A, then word right', (chat) => chat.ctrl('a').key({ meta: true }, 'f'), 'one| two'],
    ['Ctrl-A, Ctrl-E', (chat) => chat.ctrl('a').ctrl('e'), 'one two|'],
    ['Ctrl-U', (chat) => chat.ctrl('u'), '|'],
    ['Ctrl-W', (chat) => chat.ctrl('w'), 'one |'],
    ['Ctrl-W twice', (chat) => chat.ctrl('w').ctrl('w'), '|'],
    ['Ctrl-A, Ctrl-K', (chat) => chat.ctrl('a').ctrl('k'), '|'],
    ['backspace', (chat) => chat.key({ backspace: true }), 'one tw|'],
    ['Alt-backspace', (chat) => chat.key({ backspace: true, meta: true }), 'one |'],
    ['delete at the end', (chat) => chat.key({ delete: true }), 'one two|'],
    ['Ctrl-A, Alt-D', (chat) => chat.ctrl('a').key({ meta: true }, 'd'), '| two'],
    ['unknown Ctrl and Alt keys', (chat) => chat.ctrl('z').key({ meta: true }, 'x'), 'one two|'],
    ['tab and page keys', (chat) => chat.key({ tab: true }).key({}), 'one two|'],
  ])('%s', (_, act, expected) => {
    expect(act(new Chat().type('one two')).field).toBe(expected);
  });

  test('a character of several code points is one step', () => {
    const chat = new Chat();
    chat.do({ type: 'paste', text: 'a👩‍👩‍👧é한' });
    chat.key({ leftArrow: true }).key({ leftArrow: true });
    expect(chat.field).toBe('a👩‍👩‍👧|é한');
    expect(chat.key({ backspace: true }).field).toBe('a|é한');
  });

  test('a paste keeps its lines and is not sent', () => {
    const chat = new Chat().do({ type: 'paste', text: 'one\r\ntwo\rthree\u001b[31m' });
    expect(chat.field).toBe('one\ntwo\nthree[31m|');
    expect(chat.effects).toEqual([]);
  });

  test.each<[string, ChatKey, string]>([
    ['Shift+Enter', { return: true, shift: true }, ''],
    ['Alt+Enter', { return: true, meta: true }, ''],
    ['Ctrl-J', { ctrl: true }, 'j'],
    ['a bare line feed', {}, '\n'],
  ])('%s begins a new line', (_, key, input) => {
    const chat = new Chat().type('a').key(key, input).type('b');
    expect(chat.field).toBe('a\nb|');
    expect(chat.key({ return: true }).asked[0]?.messages[0]?.content).toBe('a\nb');
  });

  test('a backslash at the end goes on in the next line, an escaped one does not', () => {
    expect(new Chat().send('one\\').field).toBe('one\n|');
    expect(new Chat().send('one\\\\').asked[0]?.messages[0]?.content).toBe('one\\\\');
  });

  test('three quotes open a block that Enter does not send until it is closed', () => {
    const chat = new Chat().send('"""one').send('').send('/bye"""');
    expect(chat.asked.map(({ messages }) => messages[0]?.content)).toEqual(['one\n\n/bye']);
  });

  test('up and down move between the lines of the field first', () => {
    const chat = new Chat({ history: ['older'] });
    chat.do({ type: 'paste', text: 'long line\nab' }).key({ upArrow: true });
    expect(chat.field).toBe('lo|ng line\nab');
    expect(chat.key({ downArrow: true }).field).toBe('long line\nab|');
    expect(chat.key({ upArrow: true }).key({ upArrow: true }).field).toBe('older|');
    expect(chat.key({ downArrow: true }).field).toBe('long line\nab|');
  });

  test('the cursor lands on a border of a character when it changes the line', () => {
    const chat = new Chat().do({ type: 'paste', text: '👩‍👩‍👧x\nab' }).key({ upArrow: true });
    expect(chat.field).toBe('|👩‍👩‍👧x\nab');
  });
});

describe('history', () => {
  test('leafs through what was sent, and back to what was being typed', () => {
    const chat = new Chat({ history: ['first'] }).send('second').answer('ok').type('dra');
    const up = () => chat.key({ upArrow: true }).field;
    const down = () => chat.key({ downArrow: true }).field;
    expect([up(), up(), up(), down(), down(), down()]).toEqual([
      'second|',
      'first|',
      'first|',
      'second|',
      'dra|',
      'dra|',
    ]);
  });

  test('is kept, and says the same thing twice only once', () => {
    const chat = new Chat().send('/help').send('/help').send('/clear');
    expect(chat.effects.findLast(({ type }) => type === 'remember')).toEqual({
      type: 'remember',
      entries: ['/help', '/clear'],
    });
  });
});

describe('commands', () => {
  test('/help lists the commands and the keys', () => {
    const text = new Chat({ columns: 100 }).send('/help').shown.join('\n');
    for (const word of ['/clear', '/system', '/set', '/save', '/load', '/bye', 'Ctrl-C']) expect(text).toContain(word);
  });

  test('/clear forgets the conversation and keeps the system message', () => {
    const chat = new Chat({ system: 'Be short.' }).send('Hi').answer('Hello').send('/clear').send('Who?');
    expect(chat.asked.at(-1)).toMatchObject({ system: 'Be short.', messages: [{ role: 'user', content: 'Who?' }] });
  });

  test('/system sets, shows and removes the system message', () => {
    const chat = new Chat({ columns: 80 }).send('/system You are a pirate.').send('/system').send('Hi');
    expect(chat.shown).toContain('notice: You are a pirate.');
    expect(chat.asked[0]?.system).toBe('You are a pirate.');
    expect(chat.answer('Arr').send('/system none').state.system).toBeUndefined();
  });

  test.each<[string, object]>([
    ['/set temperature 0.5', { temperature: 0.5 }],
    ['/set num_ctx 8192', { num_ctx: 8192 }],
    ['/set think on', { think: true }],
    ['/set think off', { think: false }],
    ['/set think high', { think: 'high' }],
    ['/set keep_alive 10m', { keep_alive: '10m' }],
    ['/set temperature warm', {}],
    ['/set top_p 1.5', {}],
    ['/set num_ctx 2.5', {}],
    ['/set think maybe', {}],
    ['/set nonsense 1', {}],
  ])('%s', (command, settings) => {
    const chat = new Chat({ columns: 200 }).send(command);
    expect(chat.state.settings).toEqual(settings);
    expect(chat.shown.at(-1)).toMatch(Object.keys(settings).length > 0 ? /^notice: / : /^(error|hint): /);
  });

  test('/set NAME default gives the choice back to the model', () => {
    const chat = new Chat({ settings: { temperature: 0, seed: 1 } }).send('/set temperature default');
    expect(chat.state.settings).toEqual({ seed: 1 });
  });

  test('/save and /load hand a conversation over', () => {
    const chat = new Chat().send('Hi').answer('Hello').send('/save trip');
    const saved = chat.effects.at(-1);
    expect(saved).toMatchObject({ type: 'save', name: 'trip', conversation: { messages: [{}, {}] } });
    if (saved?.type !== 'save') return;
    const other = new Chat().send('/load trip');
    expect(other.effects.at(-1)).toEqual({ type: 'load', name: 'trip' });
    other.do({ type: 'loaded', conversation: saved.conversation }).send('Again');
    expect(other.asked[0]?.messages.map(({ content }) => content)).toEqual(['Hi', 'Hello', 'Again']);
  });

  test('/save without a name says what is missing', () => {
    expect(new Chat().send('/save').shown.at(-1)).toBe('error: A name is missing: /save NAME');
  });

  test('an unknown command is refused with a guess', () => {
    expect(new Chat().send('/claer').shown.slice(1)).toEqual([
      'error: There is no command /claer.',
      'hint: Did you mean /clear?',
    ]);
    expect(new Chat().send('/xyzzy').effects.some(({ type }) => type === 'ask')).toBe(false);
  });

  test('a path is a message and not a command', () => {
    expect(new Chat().send('/usr/bin/node is what?').asked).toHaveLength(1);
  });
});
