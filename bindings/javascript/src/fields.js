// SPDX-License-Identifier: MIT
// Plain fields of structs: numbers and booleans, by the generated layout.
import { layouts } from './layout.js';
import { camel } from './names.js';

/** Numbers that the caller may pass. Half of what a Number can hold exactly, so that the indexes
 * and terms that the library derives from them are exact, too. */
export const LIMIT = 2 ** 52;

/** A whole number from 0 to LIMIT, or an error. */
export function checked(value, name) {
  if (!Number.isInteger(value) || value < 0 || value > LIMIT) {
    throw new RangeError(`${name} must be a whole number from 0 to 2^52, not ${String(value)}`);
  }
  return value;
}

export function setU64(dv, at, value) {
  dv.setUint32(at, value % 0x100000000, true);
  dv.setUint32(at + 4, Math.floor(value / 0x100000000), true);
}

export function getU64(dv, at) {
  const high = dv.getUint32(at + 4, true);
  if (high >= 0x200000) {
    throw new RangeError(`a number is too large for JavaScript: ${dv.getBigUint64(at, true)}`);
  }
  return high * 0x100000000 + dv.getUint32(at, true);
}

const RENAMED = { conf_index: 'configurationIndex' };
const PLAIN = new Set(['u8', 'u16', 'u32', 'i32', 'u64', 'bool']);

/** [name, offset, kind] of the plain fields of a struct, but for those with other names. */
export function plain(model, struct, without = []) {
  return Object.entries(layouts[model][struct])
    .filter(([name, field]) => Array.isArray(field) && PLAIN.has(field[1]) &&
      !without.includes(name))
    .map(([name, [offset, kind]]) => [RENAMED[name] ?? camel(name), offset, kind]);
}

/** Offsets of the fields of a struct, and `size`. */
export function offsets(model, struct) {
  return Object.fromEntries(Object.entries(layouts[model][struct])
    .map(([name, field]) => [name, Array.isArray(field) ? field[0] : field]));
}

export function readPlain(fields, dv, at, target) {
  for (const [name, offset, kind] of fields) {
    const o = at + offset;
    switch (kind) {
      case 'u8': target[name] = dv.getUint8(o); break;
      case 'u16': target[name] = dv.getUint16(o, true); break;
      case 'u32': target[name] = dv.getUint32(o, true); break;
      case 'i32': target[name] = dv.getInt32(o, true); break;
      case 'bool': target[name] = dv.getUint8(o) !== 0; break;
      default: target[name] = getU64(dv, o);
    }
  }
  return target;
}

const HIGHEST = { u8: 0xff, u16: 0xffff, u32: 0xffffffff, i32: 0x7fffffff, u64: LIMIT };

/** Fields that the source does not have stay as they are. */
export function writePlain(fields, dv, at, source) {
  for (const [name, offset, kind] of fields) {
    const value = source[name];
    const o = at + offset;
    if (value === undefined) {
      continue;
    }
    if (kind === 'bool') {
      dv.setUint8(o, value ? 1 : 0);
      continue;
    }
    if (!Number.isInteger(value) || value < 0 || value > HIGHEST[kind]) {
      throw new RangeError(`${name} must be a whole number from 0 to ${HIGHEST[kind]}, ` +
        `not ${String(value)}`);
    }
    switch (kind) {
      case 'u8': dv.setUint8(o, value); break;
      case 'u16': dv.setUint16(o, value, true); break;
      case 'u32': dv.setUint32(o, value, true); break;
      case 'i32': dv.setInt32(o, value, true); break;
      default: setU64(dv, o, value);
    }
  }
}
