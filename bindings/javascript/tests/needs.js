// SPDX-License-Identifier: MIT
// usage: needs.js native|wasm    fails if the back end cannot be loaded
const { load } = await import(process.argv[2] === 'native' ? '../src/native.js' : '../src/node.js');
await load();
