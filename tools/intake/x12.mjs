// X12: segments by node-x12, then envelopes, faults and loops.
import { createRequire } from 'node:module';
import { fault, idsOf, nest, sameControl, segmentFault } from './common.mjs';

const { X12Parser } = createRequire(import.meta.url)('node-x12');

const party = { holds: ['N2', 'N3', 'N4', 'NX2', 'REF', 'PER', 'SI', 'FOB', 'TD1', 'TD3', 'TD4', 'TD5', 'PKG'] };
const notes = { holds: ['DTM', 'MSG', 'PWK', 'EFI'] };
const sub = { holds: ['MSG', 'SI', 'PID', 'PO3', 'TC2', 'DTM', 'CTP', 'PO4', 'TD1', 'TD5', 'TD3', 'TD4'] };
const schedule = { holds: ['TD1', 'TD5', 'TD3', 'TD4', 'REF'] };
const line = { except: ['PO1', 'POC', 'IT1', 'CTT', 'TDS', 'CAD', 'ISS'], loops: { N1: party, N9: notes, SLN: sub, SCH: schedule, ACK: { holds: ['DTM'] } } };
const grammar = { N1: party, N9: notes, PO1: line, POC: line, IT1: line, CTT: { holds: ['AMT'] } };

// ISA may be of another length than 106: what stands behind its sixteenth element ends segments.
function delimiters(text) {
  const element = text[3];
  let at = 2;
  for (let i = 0; i < 16 && at > 0; i++) at = text.indexOf(element, at + 1);
  if (at < 0) return null;
  const bare = text[at + 2] === undefined || /[\r\n~]/.test(text[at + 1]);
  return { elementDelimiter: element, subElementDelimiter: bare ? '' : text[at + 1], segmentTerminator: text[bare ? at + 1 : at + 2], length: bare ? at + 2 : at + 3 };
}

async function tokens(text, marks) {
  const parser = new X12Parser({ ...marks, format: false, endOfLine: '', repetitionDelimiter: '' });
  const segments = [];
  parser.on('data', (segment) => segments.push(segment));
  parser.end(text);
  await new Promise((done, failed) => parser.on('end', done).on('error', failed));
  return segments;
}

// Only codes are trimmed by the standard's fixed widths; a part of a composite stays where it is.
function values(segment, marks) {
  return segment.elements.map(({ value }) => (segment.tag !== 'ISA' && marks.subElementDelimiter && value.includes(marks.subElementDelimiter)
    ? value.split(marks.subElementDelimiter).map((part) => part.trim()) : value.trim()));
}

function faultsOf(segment) {
  const faults = [];
  if (!/^[A-Z][A-Z0-9]{1,2}$/.test(segment.tag)) faults.push(segmentFault({ ...segment, tag: segment.tag.slice(0, 20) }, 0, 'this is no name of a segment'));
  segment.elements.forEach((value, i) => {
    if (/[\r\n]/.test(value)) faults.push(segmentFault(segment, i + 1, 'there is a line break in it: the segment has no end'));
  });
  if (['PO1', 'POC', 'IT1', 'LIN'].includes(segment.tag))
    for (const [q, v] of pairPlaces(segment))
      if (Boolean(segment.elements[q - 1]) !== Boolean(segment.elements[v - 1]))
        faults.push(segmentFault(segment, segment.elements[q - 1] ? v : q, 'a number and what kind it is go together, one of them is missing'));
  return faults;
}

// Where qualifiers and numbers of products stand.
const firstPair = { PO1: 6, POC: 8, IT1: 6, LIN: 2, SLN: 9 };
function pairPlaces({ tag, elements }) {
  const places = [];
  for (let q = firstPair[tag] ?? Infinity; q <= elements.length; q += 2) places.push([q, q + 1]);
  return places;
}

const decorate = (segment) => idsOf(pairPlaces(segment).map(([q, v]) => [segment.elements[q - 1], segment.elements[v - 1]]));

// One interchange: ISA to IEA.
async function readInterchange(text, from) {
  const marks = delimiters(text);
  if (!marks) return { messages: [{ format: 'x12', errors: [fault('segment 1, ISA', 'it has fewer than sixteen elements')], raw: text }], count: 1 };
  const rest = text.slice(text.lastIndexOf(marks.segmentTerminator) + 1).trim();
  const segments = (await tokens(text, marks)).map((token, i) => ({ at: from + i, tag: token.tag, elements: values(token, marks) }));
  return { messages: collect(segments, marks, text, rest), count: segments.length };
}

// Segments of the interchange itself, beside groups.
const services = ['ISB', 'ISE', 'TA1', 'TA3'];

function envelopeOf(isa) {
  const e = isa.elements;
  return { sender: e[5], sender_qualifier: e[4], receiver: e[7], receiver_qualifier: e[6], control: e[12], date: e[8], time: e[9], version: e[11], usage: e[14] };
}

// Segments to messages, with what is wrong with each, and with what is around it.
function collect(segments, marks, text, rest) {
  const isa = segments[0];
  const whole = []; // faults of the interchange: they are those of each message
  const messages = [];
  let group = null, current = null, groups = 0, iea = null;
  const close = () => {
    if (current && !current.end) current.errors.push(segmentFault(current.segments.at(-1), 0, 'the transaction set ends here without SE'));
    current = null;
  };
  const closeGroup = (ge) => {
    close();
    if (group && !ge) group.faults.push(segmentFault(group.gs, 0, 'the group has no GE'));
    group = null;
  };
  if (marks.length !== 106) whole.push(segmentFault(isa, 0, `it has ${marks.length} characters, not 106`));
  for (const segment of segments.slice(1)) {
    if (segment.tag === 'GS') {
      closeGroup(null);
      groups++;
      group = { gs: segment, faults: [], count: 0 };
    } else if (segment.tag === 'ST') {
      close();
      current = { segments: [segment], errors: [], group, end: null };
      if (group) group.count++;
      else current.errors.push(segmentFault(segment, 0, 'it is in no group'));
      messages.push(current);
    } else if (segment.tag === 'SE' && current) {
      current.segments.push(segment);
      current.end = segment;
      current.envelope = endFaults(current);
      current = null;
    } else if (segment.tag === 'GE') {
      const { gs, faults, count } = group ?? { gs: null, faults: whole, count: 0 };
      if (!gs) faults.push(segmentFault(segment, 0, 'there is no group that ends here'));
      else if (!sameControl(segment.elements[1] ?? '', gs.elements[5] ?? '')) faults.push(segmentFault(segment, 2, `control number ${segment.elements[1]}, where GS06 has ${gs.elements[5]}`));
      if (gs && Number(segment.elements[0]) !== count) faults.push(segmentFault(segment, 1, `it counts ${segment.elements[0]} transaction sets, where there are ${count}`));
      closeGroup(segment);
    } else if (segment.tag === 'IEA') {
      closeGroup(null);
      iea = segment;
      if (!sameControl(segment.elements[1] ?? '', isa.elements[12] ?? '')) whole.push(segmentFault(segment, 2, `control number ${segment.elements[1]}, where ISA13 has ${isa.elements[12]}`));
      if (Number(segment.elements[0]) !== groups) whole.push(segmentFault(segment, 1, `it counts ${segment.elements[0]} groups, where there are ${groups}`));
    } else if (current) {
      current.segments.push(segment);
    } else if (!services.includes(segment.tag)) {
      whole.push(segmentFault(segment, 0, 'it stands outside of any transaction set'));
    }
  }
  closeGroup(null);
  if (!iea && !(rest.startsWith('IEA') && (iea = { rest }))) whole.push(segmentFault(segments.at(-1), 0, 'the interchange ends here without IEA'));
  if (rest && !iea?.rest) (messages.at(-1)?.errors ?? whole).push(fault(`behind segment ${segments.at(-1).at}`, 'what comes last is no segment: it has no end'));
  if (!messages.length) return [{ format: 'x12', interchange: envelopeOf(isa), errors: [...whole, segmentFault(isa, 0, 'there is no transaction set in it')], raw: text }];
  return messages.map((message) => finish(message, isa, whole, marks, text));
}

function endFaults({ segments, end }) {
  const faults = [];
  const st = segments[0];
  if (Number(end.elements[0]) !== segments.length) faults.push(segmentFault(end, 1, `it counts ${end.elements[0]} segments, where there are ${segments.length}`));
  if (!sameControl(end.elements[1] ?? '', st.elements[1] ?? '')) faults.push(segmentFault(end, 2, `control number ${end.elements[1]}, where ST02 has ${st.elements[1]}`));
  return faults;
}

function finish({ segments, errors, envelope, group, end }, isa, whole, marks, text) {
  const gs = group?.gs.elements ?? [];
  const st = segments[0].elements;
  return {
    format: 'x12',
    type: st[0],
    version: st[2] ?? gs[7] ?? isa.elements[11],
    interchange: envelopeOf(isa),
    group: { code: gs[0], sender: gs[1], receiver: gs[2], control: gs[5], version: gs[7] },
    control: st[1],
    ...nest(segments.slice(1, end ? -1 : undefined), segments[0].at, grammar, decorate),
    errors: [...errors, ...segments.flatMap(faultsOf)],
    envelope: [...(envelope ?? []), ...(group?.faults ?? []), ...whole],
    raw: text
  };
}

export async function readX12(text) {
  const messages = [];
  let from = 1;
  for (const part of text.split(/(?<=[^A-Za-z0-9 *]\s*)(?=ISA[^A-Za-z0-9\s])/)) {
    const read = await readInterchange(part, from);
    messages.push(...read.messages);
    from += read.count;
  }
  return messages;
}
