import { type Config, hubToken } from '../../config/index.ts';
import type { Finding } from './finding.ts';
import { type Hop, type Proxies, proxyFor, reach } from './reach.ts';

/** The proxies in force, and the way to the hub step by step. */
export async function networkFindings(config: Config): Promise<Finding[]> {
  const { settings } = config;
  const proxies: Proxies = {
    http: settings['hub.http_proxy'],
    https: settings['hub.https_proxy'],
    no: settings['hub.no_proxy'],
  };
  const endpoint = settings['hub.endpoint'];
  const hops = await reach(`${endpoint}/api/models?limit=1`, proxies);
  const { token, warning } = await hubToken(config);
  const kept: Finding[] = warning === undefined ? [] : [{ name: 'token', status: 'warning', detail: warning }];
  return [proxyFinding(endpoint, proxies), ...kept, hubFinding(endpoint, hops, token !== '')];
}

function proxyFinding(endpoint: string, proxies: Proxies): Finding {
  const given = Object.entries({ http: proxies.http, https: proxies.https }).filter(([, value]) => value !== '');
  const broken = given.filter(([, value]) => !URL.canParse(value)).map(([name]) => name);
  if (broken.length > 0) {
    const hint = 'Write it as http://host:port, in HTTPS_PROXY and HTTP_PROXY.';
    return { name: 'proxy', status: 'failed', detail: `The ${broken.join(' and ')} proxy is no address.`, hint };
  }
  if (given.length === 0) return { name: 'proxy', status: 'ok', detail: 'none set' };
  // The host alone: a password may stand before it.
  const list = given.map(([name, value]) => `${name} through ${new URL(value).host}`).join(', ');
  const isUsed = proxyFor(new URL(endpoint), proxies) !== undefined;
  return { name: 'proxy', status: 'ok', detail: `${list}; the hub ${isUsed ? 'is reached through it' : 'directly'}` };
}

const WHERE_IT_ENDS: Record<Hop['name'], string> = {
  name: 'Its name cannot be resolved: check the network and DNS, or set HTTPS_PROXY. Installed models work without it.',
  connection: 'A firewall may be in the way: check it, or set HTTPS_PROXY. Installed models work without it.',
  proxy: 'Check the proxy and its password. Installed models work without it.',
  tls: 'Something on the way may replace certificates: give its authority in NODE_EXTRA_CA_CERTS.',
  answer: 'Check HF_ENDPOINT and HF_TOKEN.',
};

function hubFinding(endpoint: string, hops: Hop[], hasToken: boolean): Finding {
  const last = hops.at(-1);
  const steps = hops.map(({ name, detail, ms }) => `${name} ${detail} (${ms} ms)`).join(', ');
  if (last?.ok === true) {
    return { name: 'hub', status: 'ok', detail: `${endpoint}${hasToken ? ', with a token' : ''}: ${steps}`, hops };
  }
  const detail = `${endpoint} cannot be reached: ${steps}`;
  return { name: 'hub', status: 'warning', detail, hint: WHERE_IT_ENDS[last?.name ?? 'name'], hops };
}
