import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** A page of a headless Chromium, driven over the DevTools protocol through pipes. */
export interface ChromiumPage {
  /** Sends one protocol command to the page and returns its result. */
  send(method: string, params?: object): Promise<Record<string, unknown>>;
  /** Errors that the browser logged: blocked content, failed loads, script errors. */
  readonly problems: readonly string[];
  /** Opens a URL and waits until it is loaded. */
  open(url: string): Promise<void>;
  /** The value of an expression in the page; the page's own policy does not apply to it. */
  evaluate(expression: string): Promise<unknown>;
  close(): Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Starts Chromium with a profile of its own and one blank page. */
export async function startChromium(): Promise<ChromiumPage> {
  const profile = await mkdtemp(path.join(os.tmpdir(), 'airlock-test-'));
  // --no-sandbox: tests may run as root, where Chromium refuses its sandbox.
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--hide-scrollbars',
    '--remote-debugging-pipe',
    `--user-data-dir=${profile}`,
  ];
  const child = spawn('chromium', [...flags, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const [input, output] = [child.stdio[3] as Writable, child.stdio[4] as Readable];
  const waiting = new Map<
    number,
    { resolve: (value: Record<string, unknown>) => void; reject: (error: Error) => void }
  >();
  const problems: string[] = [];
  let onLoad: (() => void) | undefined;
  const receive = (message: Message): void => {
    const call = message.id === undefined ? undefined : waiting.get(message.id);
    if (call) {
      if (message.error) call.reject(new Error(message.error.message));
      else call.resolve(message.result ?? {});
    }
    if (message.method === 'Page.loadEventFired') onLoad?.();
    if (
      message.method === 'Log.entryAdded' ||
      message.method === 'Runtime.exceptionThrown' ||
      message.method === 'Audits.issueAdded'
    )
      problems.push(JSON.stringify(message.params));
  };
  let rest = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) receive(JSON.parse(message) as Message);
  });
  let lastId = 0;
  let sessionId: unknown;
  const send = (method: string, params: object = {}): Promise<Record<string, unknown>> => {
    lastId += 1;
    const id = lastId;
    input.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`);
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  };
  const { targetInfos } = await send('Target.getTargets');
  const target = (targetInfos as { targetId: string; type: string }[]).find(({ type }) => type === 'page');
  sessionId = (await send('Target.attachToTarget', { targetId: target?.targetId, flatten: true }))['sessionId'];
  for (const domain of ['Page', 'Log', 'Runtime', 'Network', 'Audits']) await send(`${domain}.enable`);
  return {
    send,
    problems,
    async open(url) {
      const loaded = new Promise<void>((resolve) => {
        onLoad = resolve;
      });
      await send('Page.navigate', { url });
      await loaded;
    },
    async evaluate(expression) {
      const { result } = await send('Runtime.evaluate', { expression, returnByValue: true });
      return (result as { value?: unknown }).value;
    },
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
