// SPDX-License-Identifier: MIT
// A recording as text for a link: base64url of compressed JSON (zlib's format, which Node 18 has,
// too).
import { checkRecording } from './schema.js';

const MAX_TEXT = 200000; // characters of a link
const MAX_JSON = 1000000; // bytes of what it stands for

async function through(bytes, transform, most) {
  const stream = new Blob([bytes]).stream().pipeThrough(transform);
  const reader = stream.getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new TypeError('the recording is too long');
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

export async function encodeRecording(recording) {
  checkRecording(recording);
  const json = new TextEncoder().encode(JSON.stringify(recording));
  const bytes = await through(json, new CompressionStream('deflate'), MAX_JSON);
  let text = '';
  for (const byte of bytes) {
    text += String.fromCharCode(byte);
  }
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Throws a TypeError if the text is not a recording. */
export async function decodeRecording(text) {
  if (typeof text !== 'string' || text.length > MAX_TEXT || !/^[\w-]+$/.test(text)) {
    throw new TypeError('not a link to a recording');
  }
  let recording;
  try {
    const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
    const json = await through(bytes, new DecompressionStream('deflate'), MAX_JSON);
    recording = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (error) {
    throw new TypeError(`not a link to a recording: ${error.message}`);
  }
  checkRecording(recording);
  return recording;
}
