// UBL by saxes, as the JSON form of OASIS (UBL 2.1 JSON Alternative
// Representation): every element is an array of objects, "_" is its text,
// attributes stand beside it.
import { SaxesParser } from 'saxes';
import { fault } from './common.mjs';

const documents = /^urn:oasis:names:specification:ubl:schema:xsd:(\w+)-2$/;

export function readUbl(text) {
  const parser = new SaxesParser({ xmlns: true, position: true });
  const root = {};
  const open = [{ name: '', object: root, words: '' }];
  const errors = [];
  const path = () => open.slice(1).map(({ name, n }) => `/${name}${n > 1 ? `[${n}]` : ''}`).join('');
  let type = null, namespace = '';
  parser.on('error', (error) => {
    const message = error.message.replace(/^(\S*:)?\d+:\d+: /, '').replace(/\.$/, '');
    if (!errors.length) errors.push(fault(`line ${parser.line}${path() ? `, ${path()}` : ''}`, message, { line: parser.line, column: parser.column }));
  });
  // Nothing is made of what comes behind the first error.
  parser.on('opentag', (tag) => {
    if (errors.length) return;
    const above = open.at(-1);
    const object = {};
    for (const { local, prefix, value } of Object.values(tag.attributes)) if (prefix !== 'xmlns' && local !== 'xmlns' && prefix !== 'xsi') object[local] = value;
    const all = (above.object[tag.local] ??= []);
    all.push(object);
    if (open.length === 1) (type = tag.local), (namespace = tag.uri);
    open.push({ name: tag.local, n: all.length, object, words: '' });
  });
  const words = (more) => (open.at(-1).words += more);
  parser.on('text', words);
  parser.on('cdata', words);
  parser.on('closetag', () => {
    if (errors.length) return;
    const { object, words: told } = open.pop();
    if (told.trim() !== '') object._ = told.trim();
  });
  parser.write(text).close();
  if (!errors.length && documents.exec(namespace)?.[1] !== type) errors.push(fault(`line 1, /${type}`, `namespace ${namespace || 'none'} is not that of a UBL 2 document`));
  return [{ format: 'ubl', type, version: root[type]?.[0].UBLVersionID?.[0]._ ?? '2.0', ...(errors.length ? {} : root), errors, raw: text }];
}
