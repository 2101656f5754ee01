import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anyOf,
  destination,
  freeText,
  hex32,
  nothing,
  one,
  onOff,
  optional,
  optionalText,
  shortId,
  wholeNumber,
} from './arguments.ts';
import { parseWords, word, type Word } from './grammar.ts';
import { hasLink, isMediaOnly } from './links.ts';
import { understandText, type Understood } from './understand.ts';

/** Every word there is or will be, with its arguments. */
const words: readonly Word[] = [
  word('help', 'help', nothing),
  word('job', 'job <text>', freeText),
  word('long', 'long <text>', freeText),
  word('quote', 'quote <text>', freeText),
  word('one', 'one', nothing),
  word('session', 'session [sats]', optional('amount', wholeNumber)),
  word('topup', 'topup <sats>', wholeNumber),
  word('balance', 'balance', nothing),
  word('new', 'new', nothing),
  word('close', 'close', nothing, { careful: true }),
  word('token', 'token', nothing),
  word('use', 'use <token>', one('token', hex32)),
  word('demo', 'demo [text]', optionalText),
  word('bootstrap', 'bootstrap [ssh public key]', (rest) => (/^(?:ssh-\S+ \S+.*)?$/.test(rest) ? { key: rest } : null)),
  word('status', 'status [id]', anyOf({ id: shortId })),
  word('invoice', 'invoice <id>', one('id', shortId)),
  word('paid', 'paid [id] [preimage]', anyOf({ id: shortId, preimage: hex32 })),
  word('cancel', 'cancel <id>', one('id', shortId), { careful: true }),
  word('refund', 'refund [id] [destination]', anyOf({ id: shortId, destination })),
  word('refunds', 'refunds on|off', onOff),
  word('keep', 'keep on|off', onOff),
  word('receipt', 'receipt <id>', one('id', shortId)),
  word('history', 'history', nothing),
  word('forget', 'forget', nothing, { careful: true }),
  word('uri', 'uri', nothing),
];

const read = (text: string, hasOpenThings = false): Understood => understandText(text, { words, hasOpenThings });

/** The entries of a list written as `a | b | c`. */
const listed = (list: string): string[] => list.split('|').map((entry) => entry.trim());

const HEX = '0123456789abcdef'.repeat(4);
const BOLT11 = `lnbc1290n1p${'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.repeat(6)}`;
const LNURL = `lnurl1${'dp68gurn8ghj7um9dej8xct5w3skccne9e3k7mf0'.repeat(2)}`;
const SSH_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPhx4V2+abc/def== bob@laptop';

describe('every word', () => {
  const bob = { kind: 'address', value: 'bob@getalby.com' };
  it.each<[string, string, unknown]>([
    ['help', 'help', {}],
    ['/HELP', 'help', {}],
    ['!help', 'help', {}],
    ['Help!', 'help', {}],
    ['"help"', 'help', {}],
    ['help please', 'help', {}],
    ['[//]: # (nip18)\nhelp', 'help', {}],
    ['job write a haiku about rain.', 'job', { text: 'write a haiku about rain.' }],
    ['Job: write a haiku', 'job', { text: 'write a haiku' }],
    ['job\nwrite a haiku\n\nabout rain', 'job', { text: 'write a haiku\n\nabout rain' }],
    ['long explain the Lightning network', 'long', { text: 'explain the Lightning network' }],
    ['quote translate this page!', 'quote', { text: 'translate this page!' }],
    ['one', 'one', {}],
    ['One.', 'one', {}],
    ['session', 'session', { amount: null }],
    ['session 500', 'session', { amount: 500 }],
    ['Session 1,000 sats.', 'session', { amount: 1000 }],
    ['session: 500', 'session', { amount: 500 }],
    ['topup 300', 'topup', { amount: 300 }],
    ['/topup 300 sats please', 'topup', { amount: 300 }],
    ['balance', 'balance', {}],
    ['balance?', 'balance', {}],
    ['new', 'new', {}],
    ['close', 'close', {}],
    ['token', 'token', {}],
    [`use ${HEX}`, 'use', { token: HEX }],
    [`use ${HEX.toUpperCase()}`, 'use', { token: HEX }],
    ['demo', 'demo', { text: null }],
    ['demo what is a nonce?', 'demo', { text: 'what is a nonce?' }],
    ['bootstrap', 'bootstrap', { key: '' }],
    [`bootstrap ${SSH_KEY}`, 'bootstrap', { key: SSH_KEY }],
    ['status', 'status', { id: null }],
    ['Status?', 'status', { id: null }],
    ['status J-4KQ7M', 'status', { id: 'J-4KQ7M' }],
    ['status j 4kq7m', 'status', { id: 'J-4KQ7M' }],
    ['invoice J-4KQ7M', 'invoice', { id: 'J-4KQ7M' }],
    ['invoice j4kq7m.', 'invoice', { id: 'J-4KQ7M' }],
    ['paid', 'paid', { id: null, preimage: null }],
    ['Paid!', 'paid', { id: null, preimage: null }],
    ['paid J-4KQ7M', 'paid', { id: 'J-4KQ7M', preimage: null }],
    [`paid J-4KQ7M ${HEX}`, 'paid', { id: 'J-4KQ7M', preimage: HEX }],
    [`paid ${HEX}`, 'paid', { id: null, preimage: HEX }],
    ['cancel J-4KQ7M', 'cancel', { id: 'J-4KQ7M' }],
    ['cancel <J-4KQ7M>', 'cancel', { id: 'J-4KQ7M' }],
    ['refund', 'refund', { id: null, destination: null }],
    ['refund J-4KQ7M', 'refund', { id: 'J-4KQ7M', destination: null }],
    ['refund bob@getalby.com', 'refund', { id: null, destination: bob }],
    ['refund J-4KQ7M bob@getalby.com', 'refund', { id: 'J-4KQ7M', destination: bob }],
    ['refund to bob@getalby.com please', 'refund', { id: null, destination: bob }],
    [`refund ${BOLT11}`, 'refund', { id: null, destination: { kind: 'bolt11', value: BOLT11 } }],
    [
      `refund J-4KQ7M lightning:${BOLT11.toUpperCase()}`,
      'refund',
      { id: 'J-4KQ7M', destination: { kind: 'bolt11', value: BOLT11 } },
    ],
    [`refund ${LNURL}`, 'refund', { id: null, destination: { kind: 'lnurl', value: LNURL } }],
    ['refunds on', 'refunds', { on: true }],
    ['Refunds OFF', 'refunds', { on: false }],
    ['keep on', 'keep', { on: true }],
    ['keep off.', 'keep', { on: false }],
    ['receipt J-4KQ7M', 'receipt', { id: 'J-4KQ7M' }],
    ['history', 'history', {}],
    ['forget', 'forget', {}],
    ['/forget', 'forget', {}],
    ['uri', 'uri', {}],
  ])('%s', (text, name, args) => {
    expect(read(text)).toEqual({ type: 'command', word: name, args });
    expect(read(text, true)).toEqual({ type: 'command', word: name, args });
  });

  it('alone without its arguments, or asked about, tells its usage', () => {
    for (const text of listed(`
    job | long | quote? | topup | use | invoice | cancel | /cancel! | refunds | keep | receipt | forget? | close? |
    cancel J-4KQ7M?`)) {
      expect(read(text)).toMatchObject({ type: 'usage', word: /[a-z]+/.exec(text.toLowerCase())?.[0] });
    }
  });
});

describe('requests that begin like something else', () => {
  it.each([
    `please decode ${BOLT11}`,
    ...listed(`
    cancel culture essay | new york weather | session musicians in Berlin | status quo bias explained |
    status symbol | status report for my boss | help me write a cover letter | help! my sourdough does not rise |
    help with homework | one hundred years of solitude summary | one more joke about bitcoin |
    balance sheet explained | balance my chemistry equation: H2 + O2 | close reading of Hamlet |
    close the gap in this sentence | token ring vs ethernet | token economics for beginners |
    use cases of zero knowledge proofs | use of the subjunctive in Spanish | bootstrap css tutorial |
    bootstrap a startup with no money | invoice template for freelancers | invoice number |
    paid advertising tips | paid search | refund policy of Amazon | refund letter to my landlord |
    refunds on bitcoin purchases, legal? | keep on running lyrics | keep a secret: how? |
    receipt scanning apps compared | history of Rome | forget-me-not care | forget about it, what does it mean |
    uri vs url | uri geller biography | topup card design ideas | topup cards for prepaid phones in Kenya |
    session 5 ideas for yoga | newton vs leibniz | closed form of the Fibonacci numbers |
    Long, long ago there lived a king: continue | Job, the biblical figure, who was he? | ok write me a poem |
    ok. write me a poem | hi, write me a poem | hello world in rust | hey jude chords |
    thanks giving dinner recipes | thank you letter to my teacher | thank you in Japanese |
    good morning message for my girlfriend | test this function for me: f(x) = x |
    test driven development explained | ping vs traceroute | wait for godot summary | waiting for godot summary |
    how long is the Nile | how long do turtles live? | how much is a Tesla |
    how much wood would a woodchuck chuck | what is the price of gold | price of a coffee in Oslo |
    free will: an essay | are you a robot in the poem by Sexton | who are you wearing, origin of the phrase |
    what is this song about: imagine there is no heaven | what can you do with a math degree |
    how does it work, the electoral college | how to pay taxes on bitcoin | is it safe to eat raw eggs |
    paid sick leave in Germany | sent from heaven lyrics | done deal: etymology? | i paid too much tax, what now |
    and then there were none plot | so long and thanks for all the fish | when did WW2 end |
    yes or no: is P = NP | no country for old men plot | cool facts | tell me a joke | haiku | bitcoin | 2+2 |
    500 | Why?! Explain gravity | /imagine a cat | /summon a dragon | x-files |
    summarize https://example.com/article please | https://example.com/article |
    what is in this picture https://image.nostr.build/abc.jpg | my address is bob@getalby.com |
    bob@getalby.com and alice@getalby.com | what does nsec mean | J-4KQ7M is what? | hola mundo en python |
    hola, escribe un poema sobre el mar | gracias a la vida letra | cuánto cuesta un coche en México |
    cómo funciona un motor diésel | oi, escreva um poema | quanto custa viver em Lisboa | hallo welt in C |
    danke schreiben an meine Lehrerin | wie lange kocht man ein Ei | was kostet ein Haus in Berlin |
    merci à ma grand-mère: un poème | combien pèse un éléphant | ciao bella testo completo |
    quanto costa vivere a Roma | привет из прошлого, напиши рассказ | сколько стоит квартира в Москве |
    как работает двигатель | مرحبا اكتب لي قصيدة عن البحر | كم عدد سكان مصر | こんにちはを英語で言うと | 料金表を作ってください |
    テスト駆動開発とは | 俳句を書いて | 你好用日语怎么说 | 帮我写一首诗 | 免费的电影网站有哪些 | 多少人住在北京 | 写一首关于雨的诗 | 한국의 수도는 어디인가요`),
  ])('%s', (text) => {
    expect(read(text)).toEqual({ type: 'request', text });
    // While something is open or owed, a few words about money are asked back, and can be ordered all the same.
    expect(read(text, true)).toMatchObject(isAboutMoney(text) ? { type: 'usage', text } : { type: 'request', text });
  });

  it.each([
    ['close it', 'close'],
    ['Close it now please', 'close'],
    ['refund me my money', 'refund'],
    ['stop the session', 'cancel'],
    ['topup five hundred', 'topup'],
    ['invoice number', 'invoice'],
  ])('%s: while something is open, the usage of %s', (text, word) => {
    expect(read(text, true)).toMatchObject({ type: 'usage', word });
  });
});

function isAboutMoney(text: string): boolean {
  const written = text.split(/\s+/);
  return (
    written.length <= 5 &&
    /^(refunds?|cancel|stop|paid|receipt|invoice|balance|status|forget|close|topup|token)$/i.test(written[0] ?? '')
  );
}

describe('small talk', () => {
  it.each([
    [
      'greeting',
      listed(`
    hi | Hi! | HELLO | hellooooo | heyyy | gm | GM ☀️ | gm nostr | hi Timmy | Hi there, Timmy! | Timmy? |
    good morning, how are you? | hey bro | /start | /hi | hey, thanks! | hola | ¡Hola! | buenos días |
    Buenos dias, ¿qué tal? | bom dia | oi tudo bem | Olá | Hallo | guten Tag | Moin moin | Grüß Gott | bonjour |
    Salut, ça va ? | ciao | Buongiorno | привет | Здравствуйте! | مرحبا | السلام عليكم | أهلاً | こんにちは |
    おはようございます！ | 你好 | 你好！在吗？`),
    ],
    [
      'thanks',
      listed(`
    ok | OK. | okay | k | Ok thanks | thanks | Thanks!!! | thank you so much 🙏 | thankssss | thanks Timmy | yes |
    no | cool | lol | hahahaha | jajaja | kkkk | hmmm | bye | xD ok | gracias | vale | obrigado | valeu |
    danke schön | vielen Dank! | merci beaucoup | d'accord | d’accord | grazie mille | спасибо | хахаха | شكراً |
    ありがとうございます | 了解 | 谢谢 | 好的 | 哈哈哈哈`),
    ],
    [
      'test',
      listed(`
    test | Test 123 | test test | ping | Ping? | hello world | testing, testing | 1 2 3 | 123 | can you hear me? |
    prueba | teste | nur ein Test | essai | prova | тест | اختبار | テスト | 测试`),
    ],
    [
      'nudge',
      listed(`
    how long | how long? | wait | so? | any news? | sent | done | I paid | ya pagué | bezahlt | 已付款 | 払いました`),
    ],
    [
      'emoji',
      listed(`
    👍 | 🙏🙏🙏 | ❤️ | 👩‍👩‍👧‍👦 | 🇩🇪 | 1️⃣ | ⚡ | 👍! | :) | ;-) | <3 | :shaka: | 🤙 :pepe_ok: | 😂😂😂 ...`),
    ],
    ['empty', ['', '   ', '...', '?', '!!!', '-', '+', '¿?', '。', '\u200b', '[//]: # (nip18)', '""']],
  ] as const)('%s: %j', (kind, texts) => {
    for (const text of texts) expect([text, read(text)]).toEqual([text, { type: 'smallTalk', kind }]);
  });
});

describe('while something is open', () => {
  it.each(
    listed(`
    ? | ?? | ?! | ？ | ؟ | ❓ | how long | How long will it take? | wait | waiting... | hello, any news? | ready? |
    is it done yet? | one moment | eta? | well? | ¿cuánto falta? | e agora? | wie lange noch? | und? |
    c'est prêt ? | a che punto siamo | сколько ждать | ну что? | متى | まだですか？ | 好了吗？ | ok, how long`),
  )('%j asks for the status', (text) => {
    expect(read(text, true)).toEqual({ type: 'statusAsk', id: null });
  });

  it.each(
    listed(`
    sent | Done! | I paid | I've paid | payment sent | ok, done | thanks, sent ⚡ | i paid the invoice | ya pagué |
    listo | paguei | já paguei! | bezahlt | ich habe bezahlt | j'ai payé | c’est fait | pagato | ho pagato |
    оплатил | готово | تم الدفع | 払いました | 支払い完了 | 已付款 | 付了`),
  )('%j says that it is paid', (text) => {
    expect(read(text, true)).toEqual({ type: 'paidAsk' });
  });

  it('talk stays talk', () => {
    expect(read('ok', true)).toEqual({ type: 'smallTalk', kind: 'thanks' });
    expect(read('👍', true)).toEqual({ type: 'smallTalk', kind: 'emoji' });
    expect(read('...', true)).toEqual({ type: 'smallTalk', kind: 'empty' });
    expect(read('well done', true)).toEqual({ type: 'smallTalk', kind: 'thanks' });
  });

  it.each(['J-4KQ7M', 'j-4kq7m?', 'J-ABCDE', '"J-4KQ7M"'])('%j alone asks for that order, open or not', (text) => {
    expect(read(text)).toMatchObject({ type: 'statusAsk', id: expect.stringMatching(/^J-/) as unknown });
  });
});

describe('questions about Timmy', () => {
  it.each(
    listed(`
    who are you? | What are you | who is Timmy? | hi, who are you? | what can you do? | How does this work?? |
    help me | ok help | I need help | how much | How much? | hi how much does it cost? | price? | Prices please |
    free? | is it free? | are you free | how to pay | How do I pay? | how do i pay you Timmy | are you a bot |
    Are you a bot? | r u a bot | are you human? | are you real | what model are you | what's your name? |
    who made you | is this a scam? | what’s this | menu | /info | commands | can i try it for free? | ¿Quién eres? |
    ¿cuánto cuesta? | eres un bot? | ayuda | ¿cómo funciona? | quem é você? | quanto custa? | você é um robô? |
    ajuda | Wer bist du? | was kostet das? | bist du ein Bot? | Hilfe! | wie viel? | qui es-tu ? |
    combien ça coûte ? | es-tu un bot ? | aide | c'est gratuit ? | chi sei? | quanto costa? | sei un bot? | aiuto |
    кто ты? | сколько стоит? | ты бот? | помощь | من أنت؟ | كم السعر؟ | هل أنت روبوت؟ | مساعدة | あなたは誰ですか？ |
    いくらですか？ | AIですか？ | 使い方を教えてください | 你是谁？ | 多少钱？ | 你是機器人嗎？ | 帮助 | 你好，你是AI吗`),
  )('%s', (text) => {
    expect(read(text)).toEqual({ type: 'about' });
    expect(read(text, true)).toEqual({ type: 'about' });
  });
});

describe('bare things', () => {
  it.each([
    [BOLT11, 'bolt11', BOLT11],
    [BOLT11.toUpperCase(), 'bolt11', BOLT11],
    [`lightning:${BOLT11}`, 'bolt11', BOLT11],
    [`LIGHTNING:${BOLT11.toUpperCase()}`, 'bolt11', BOLT11],
    [`"${BOLT11}."`, 'bolt11', BOLT11],
    [`lightning://${BOLT11}`, 'bolt11', BOLT11],
    [`bitcoin:bc1qxyz?amount=0.001&lightning=${BOLT11}`, 'bolt11', BOLT11],
    [BOLT11.replace('lnbc', 'lnbcrt'), 'bolt11', BOLT11.replace('lnbc', 'lnbcrt')],
    [BOLT11.replace('lnbc1290n', 'lntbs'), 'bolt11', BOLT11.replace('lnbc1290n', 'lntbs')],
    ['bob@getalby.com', 'address', 'bob@getalby.com'],
    ['Bob@GetAlby.com.', 'address', 'bob@getalby.com'],
    ['⚡️ bob@getalby.com', 'address', 'bob@getalby.com'],
    ['lightning:bob@getalby.com', 'address', 'bob@getalby.com'],
    ['bob+tips@pay.example.co.uk', 'address', 'bob+tips@pay.example.co.uk'],
    ['bob@localhost:3000', 'address', 'bob@localhost:3000'],
    ['bob@127.0.0.1:3000', 'address', 'bob@127.0.0.1:3000'],
    [LNURL, 'lnurl', LNURL],
    ['lnurlp://pay.example.com/Bob', 'lnurl', 'lnurlp://pay.example.com/Bob'],
  ])('%s is a destination', (text, kind, value) => {
    expect(read(text)).toEqual({ type: 'destination', destination: { kind, value } });
  });

  it.each(['bob@', '@bob', 'bob@localhost', 'lnbc', 'lnbc1abc', 'lnurl'])('%j is none', (text) => {
    expect(read(text)).toEqual({ type: 'request', text });
  });

  it.each([
    'https://image.nostr.build/abc.jpg',
    'https://example.com/a.PNG?size=large#top',
    '<https://example.com/voice.ogg>',
    'https://a.example/1.webp\nhttps://a.example/2.mp4',
    '![my cat](https://a.example/cat.jpeg)',
    `https://blossom.example/${HEX}`,
    'data:image/png;base64,iVBORw0KGgo=',
  ])('%s is media only', (text) => {
    expect(read(text)).toEqual({ type: 'mediaOnly' });
  });

  it.each([
    'https://example.com',
    'https://example.com/a.pdf',
    'see https://a.example/1.jpg',
    'http://',
    'ftp://a.example/1.jpg',
    '',
  ])('%j is not', (text) => {
    expect(isMediaOnly(text)).toBe(false);
  });

  it('finds links among words', () => {
    for (const text of ['read https://example.com', 'www.example.com please', 'nostr:nevent1qqs what is it'])
      expect(hasLink(text)).toBe(true);
    for (const text of ['no link', 'example', 'what is https', 'mail bob@example.com'])
      expect(hasLink(text)).toBe(false);
  });
});

describe('secret keys', () => {
  const nsec = `nsec1${'q'.repeat(58)}`;
  it.each([
    nsec,
    nsec.toUpperCase(),
    `my key: ${nsec}`,
    `job explain ${nsec}`,
    `nsec1${'q'.repeat(20)}\u200b${'q'.repeat(38)}`,
    `https://a.example/${nsec}`,
    `ncryptsec1${'q'.repeat(150)}`,
  ])('are noticed wherever they stand', (text) => {
    const understood = read(text);
    expect(understood).toEqual({ type: 'secretKey' });
  });
});

describe('whatever is written', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(
      ' ',
      '\n',
      '/',
      '!',
      '?',
      ':',
      '"',
      BOLT11,
      'lightning:',
      'hi',
      'ok',
      'paid',
      'bob@a.com',
      '谢谢',
      'https://a.b/c.jpg',
      '![](',
      '[//]: # (nip18)\n',
      'J-4KQ7M',
    ),
    fc.constantFrom(...words.map((entry) => entry.word)),
  );
  const anything = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));

  it('is understood without throwing', () => {
    fc.assert(
      fc.property(anything, fc.boolean(), (text, open) => {
        expect(read(text, open).type).toBeTypeOf('string');
      }),
      { numRuns: 1000 },
    );
  });

  it('is a request when it has three unknown words or more and is no command', () => {
    const unknown = fc.stringMatching(/^zq[a-z]{1,8}$/);
    const known = fc.constantFrom(
      'hi',
      'ok',
      'thanks',
      'new',
      'cancel',
      'status',
      'paid',
      'how much',
      'test',
      'session',
      'help',
    );
    const mixed = fc
      .tuple(fc.array(known, { maxLength: 3 }), fc.array(unknown, { minLength: 3, maxLength: 9 }))
      .map(([first, rest]) => [...first, ...rest].join(' '))
      .filter((text) => parseWords(text, words) === null);
    fc.assert(
      fc.property(mixed, fc.boolean(), (text, open) => {
        const isAsked = open && isAboutMoney(text);
        expect(read(text, open)).toMatchObject(isAsked ? { type: 'usage', text } : { type: 'request', text });
      }),
    );
  });

  it('is read quickly, however nasty', () => {
    const long = 65_535;
    for (const unit of [
      '.',
      ' a',
      '![](',
      'hi ',
      '"',
      '[//]: # (nip18)\n',
      '\u200d',
      'nsec1',
      ':a',
      'ha',
      '? ',
      '\u{1f468}\u200d',
      'é\u200d',
      '\n',
      'ln',
      'a@',
    ]) {
      const text = unit.repeat(Math.floor(long / unit.length));
      expect(read(text, true).type).toBeTypeOf('string');
      expect(read(`job ${text}x`, true).type).toBeTypeOf('string');
    }
  });
});
