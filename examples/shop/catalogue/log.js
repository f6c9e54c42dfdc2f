'use strict';
// One event, one line: `request method=GET path=/products status=200`.

const PLAIN = /^[\x21\x23-\x3c\x3e-\x7e]+$/;

module.exports = function log(event, fields = {}) {
  const words = Object.entries(fields).map(([name, value]) => {
    const text = String(value);
    return `${name}=${PLAIN.test(text) ? text : JSON.stringify(text)}`;
  });
  console.log([event, ...words].join(' '));
};
