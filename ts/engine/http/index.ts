export { bytesOf, type Endpoint, exchange, exchangeJson, RefusedExchange } from './exchange.ts';
export { sseData } from './sse.ts';
