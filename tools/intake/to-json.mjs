#!/usr/bin/env node
// Turns X12, EDIFACT, TRADACOMS and UBL into JSON that mappings read: one line
// for each transaction set, message or document.
//
// usage: to-json.mjs [--lenient] [--name] [FILE...]       without a FILE, or for -, standard input
//
// What cannot be read, or contradicts its envelope, has "errors": each with its
// place and what is wrong, for usom.ingest() to tell.  --lenient: what only the
// envelope says (counts, control numbers, missing trailers) is told in "notes".
// --name: each line is {"file": its name, "ordinal": from 1, "message": ...}.
//
// Ends with 0 also for files with errors: they are for the inbox.  2: a file
// could not be opened.
import { readFileSync } from 'node:fs';
import { readX12 } from './x12.mjs';
import { readEdifact, readTradacoms } from './edifact.mjs';
import { readUbl } from './ubl.mjs';
import { fault, fileText } from './common.mjs';

const readers = [
  [/^ISA/, readX12],
  [/^(UNA|UNB|UNH)/, readEdifact],
  [/^STX=/, readTradacoms],
  [/^</, readUbl]
];

async function messagesOf(text) {
  const found = readers.find(([start]) => start.test(text));
  if (!found) return [{ format: 'unknown', errors: [fault('start of the file', 'this is none of X12, EDIFACT, TRADACOMS and XML')], raw: text }];
  return await found[1](text);
}

// Faults of the envelope become notes; raw is only kept for what has errors.
function finish({ raw, envelope, errors, ...message }, lenient) {
  const all = [...errors, ...(lenient ? [] : envelope ?? [])];
  const notes = lenient ? envelope ?? [] : [];
  return { ...message, ...(notes.length ? { notes } : {}), ...(all.length ? { errors: all, raw } : {}) };
}

const options = process.argv.slice(2).filter((word) => word.startsWith('--'));
const files = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const unknown = options.find((option) => !['--lenient', '--name'].includes(option));
if (unknown) {
  console.error(`to-json.mjs: no option ${unknown}; usage: to-json.mjs [--lenient] [--name] [FILE...]`);
  process.exit(2);
}
const lenient = options.includes('--lenient');
// A reader that has seen enough.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 2));
for (const file of files.length ? files : ['-']) {
  let bytes;
  try {
    bytes = readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    console.error(`to-json.mjs: ${error.message}`);
    process.exit(2);
  }
  (await messagesOf(fileText(bytes))).forEach((message, i) => {
    const told = finish(message, lenient);
    process.stdout.write(JSON.stringify(options.includes('--name') ? { file, ordinal: i + 1, message: told } : told) + '\n');
  });
}
