'use strict';
// Products as JSON, with prices in cents, and whether a quantity is in stock.

const polka = require('polka');
const products = require('./products.json');
const log = require('./log');

const bySku = new Map(products.map((product) => [product.sku, product]));

function answer(response, status, body) {
  const content = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(content),
  });
  response.end(content);
}

function logged(request, response, next) {
  const began = process.hrtime.bigint();
  response.on('finish', () => {
    if (request.path === '/health') return;
    const ms = Number((process.hrtime.bigint() - began) / 1000n) / 1000;
    log('request', { method: request.method, path: request.path, status: response.statusCode, ms });
  });
  next();
}

function withProduct(request, response, next) {
  request.product = bySku.get(request.params.sku);
  if (request.product) next();
  else answer(response, 404, { error: `there is no product '${request.params.sku}'` });
}

const app = polka({
  onNoMatch: (request, response) => answer(response, 404, { error: 'only /products is here' }),
  onError: (error, request, response) => {
    log('failed', { path: request.path, error: error.stack });
    answer(response, 500, { error: 'the catalogue failed; its log says why' });
  },
});

app
  .use(logged)
  .get('/health', (request, response) => answer(response, 200, { status: 'ok' }))
  .get('/products', (request, response) => answer(response, 200, { products }))
  .get('/products/:sku', withProduct, (request, response) => answer(response, 200, request.product))
  .get('/products/:sku/stock', withProduct, (request, response) => {
    const quantity = Number(request.query.quantity ?? 1);
    if (!Number.isInteger(quantity) || quantity < 1) {
      answer(response, 400, { error: 'quantity is a whole number from 1' });
      return;
    }
    const { stock } = request.product;
    answer(response, 200, { available: quantity <= stock, stock });
  });

app.listen(Number(process.env.PORT), '127.0.0.1', (error) => {
  if (error) throw error;
  log('listening', { port: process.env.PORT });
});
app.server.requestTimeout = 10_000;
app.server.headersTimeout = 5_000;

process.on('SIGTERM', () => {
  // No new connections; those that are idle end now, the others after their answer.
  app.server.close(() => log('stopped'));
  app.server.closeIdleConnections();
});
