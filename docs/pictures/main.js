// SPDX-License-Identifier: MIT
// Draws pictures, by default all: node docs/pictures/main.js FOLDER [NAME...]. RAFT_WASM names the
// library's module: see tools/pictures. Writes NAME.svg for each picture, and pictures.json with
// their texts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { load } from '../../bindings/javascript/src/node.js';
import { drawPicture, linkOf } from './make.js';
import { pictures } from './pictures.js';

const [folder, ...names] = process.argv.slice(2);
const library = await load(process.env.RAFT_WASM);
mkdirSync(folder, { recursive: true });
const texts = {};
for (const picture of pictures) {
  if (names.length === 0 || names.includes(picture.name)) {
    const { svg, width, cluster } = drawPicture(library, picture);
    writeFileSync(join(folder, `${picture.name}.svg`), svg);
    texts[picture.name] = { title: picture.title, caption: picture.caption, width,
      link: await linkOf(picture, cluster) };
    cluster.close();
  }
}
writeFileSync(join(folder, 'pictures.json'), JSON.stringify(texts, undefined, 2));
