const express = require('express');

const app = express();

app.get('/', (request, response) => {
  response.type('text').send(`Hello from ${process.env.HEADWAY_RELEASE ?? 'your machine'}\n`);
});

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1');
process.on('SIGTERM', () => server.close());
