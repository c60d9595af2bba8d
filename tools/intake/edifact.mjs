// EDIFACT, and TRADACOMS, which is written alike: segments by edifact, then envelopes, faults and loops.
import { createRequire } from 'node:module';
import { fault, idsOf, nest, sameControl, segmentFault } from './common.mjs';

const Parser = createRequire(import.meta.url)('edifact/parser.js');

const reference = { holds: ['DTM'] };
const contact = { holds: ['COM'] };
const party = { holds: ['LOC', 'FII'], loops: { RFF: reference, DOC: reference, CTA: contact } };
const charge = { holds: ['ALI', 'DTM', 'QTY', 'PCD', 'MOA', 'RTE', 'TAX'] };
const schedule = { holds: ['FTX', 'RFF', 'QTY', 'DTM'] };
const line = {
  except: ['LIN', 'UNS', 'CNT'],
  loops: { PRI: { holds: ['CUX', 'APR', 'RNG', 'DTM'] }, RFF: reference, NAD: party, ALC: charge, SCC: schedule, LOC: { holds: ['QTY', 'DTM'] }, TAX: { holds: ['MOA', 'LOC'] } }
};
const grammar = { RFF: reference, NAD: party, CUX: { holds: ['DTM'] }, ALC: charge, TAX: { holds: ['MOA', 'LOC'] }, SCC: schedule, LIN: line };

// Where numbers stand, whose decimal mark the interchange chooses.
const numbers = { QTY: [0, 1], PRI: [0, 1], MOA: [0, 1], PCD: [0, 1], CNT: [0, 1], MEA: [2, 1] };

function tokens(text) {
  const parser = new Parser();
  const segments = [];
  let elements, components, at = 0;
  parser.encoding('UNOY');
  parser.onopensegment = (tag) => segments.push({ at: ++at, tag, elements: (elements = []) });
  parser.onelement = () => elements.push((components = []));
  parser.oncomponent = (value) => components.push(value.trim());
  parser.onclosesegment = () => (segments.at(-1).closed = true);
  try {
    parser.write(text);
    parser.end();
    return { segments, mark: text.startsWith('UNA') ? text[5] : '.' };
  } catch (error) {
    const last = segments.at(-1) ?? { at: 1, tag: 'UNB', elements: [] };
    const unclosed = segments.length && !last.closed ? segments.pop() : null;
    return { segments, mark: '.', problem: segmentFault(unclosed ?? last, unclosed?.elements.length ?? 0, `${unclosed ? 'it has no end' : 'what follows cannot be read'} (${error.message})`) };
  }
}

function point(segment, mark) {
  const place = numbers[segment.tag];
  const element = place && segment.elements[place[0]];
  if (mark !== '.' && element?.[place[1]]) element[place[1]] = element[place[1]].replace(mark, '.');
}

// Numbers of the product: LIN03, and PIA02 to PIA06.
function decorate({ tag, elements }) {
  if (tag === 'LIN') return idsOf([[elements[2]?.[1], elements[2]?.[0]]]);
  if (tag === 'PIA') return idsOf(elements.slice(1).map((number) => [number[1], number[0]]));
  return {};
}

const bare = (segment) => ({ ...segment, elements: segment.elements.map((components) => (components.length === 1 && components[0] === '' ? [] : components)) });

// The numbers of PIA are numbers of the line, too.
function gatherIds(object) {
  for (const one of object.LIN ?? []) {
    const more = Object.assign({}, ...(one.PIA ?? []).map((pia) => pia.ids ?? {}).reverse());
    if (Object.keys(more).length || one.ids) one.ids = { ...more, ...one.ids };
  }
  return object;
}

function envelopeOf(unb) {
  const e = unb?.elements ?? [];
  return { syntax: e[0]?.[0], sender: e[1]?.[0], sender_qualifier: e[1]?.[1], receiver: e[2]?.[0], receiver_qualifier: e[2]?.[1], date: e[3]?.[0], time: e[3]?.[1], control: e[4]?.[0] };
}

const first = (segment, element) => segment.elements[element - 1]?.[0] ?? '';

function collect({ segments, problem }, text) {
  const whole = [];
  const messages = [];
  let unb = null, unz = null, ung = null, current = null, groups = 0;
  const close = () => {
    if (current) current.errors.push(segmentFault(current.segments.at(-1), 0, 'the message ends here without UNT'));
    current = null;
  };
  for (const segment of segments) {
    if (segment.tag === 'UNB') unb = segment;
    else if (segment.tag === 'UNG') (ung = segment), groups++;
    else if (segment.tag === 'UNH') {
      close();
      current = { segments: [segment], errors: [] };
      messages.push(current);
    } else if (segment.tag === 'UNT' && current) {
      current.segments.push(segment);
      current.envelope = endFaults(current.segments);
      current.end = segment;
      current = null;
    } else if (segment.tag === 'UNE') {
      close();
      if (!sameControl(first(segment, 2), first(ung ?? segment, ung ? 5 : 2))) whole.push(segmentFault(segment, 2, `control number ${first(segment, 2)}, where UNG05 has ${first(ung, 5)}`));
    } else if (segment.tag === 'UNZ') {
      close();
      unz = segment;
    } else if (current) current.segments.push(segment);
    else whole.push(segmentFault(segment, 0, 'it stands outside of any message'));
  }
  if (problem) (current?.errors ?? messages.at(-1)?.errors ?? whole).push(problem);
  else close();
  if (!unb) whole.push(fault('segment 1', 'the interchange has no UNB'));
  if (!unz) whole.push(fault(`behind segment ${segments.length}`, 'the interchange ends here without UNZ'));
  else {
    const units = groups || messages.length;
    if (Number(first(unz, 1)) !== units) whole.push(segmentFault(unz, 1, `it counts ${first(unz, 1)}, where there are ${units}`));
    if (unb && !sameControl(first(unz, 2), first(unb, 5))) whole.push(segmentFault(unz, 2, `control number ${first(unz, 2)}, where UNB05 has ${first(unb, 5)}`));
  }
  if (!messages.length) return [{ format: 'edifact', interchange: envelopeOf(unb), errors: [...whole, fault('segment 1', 'there is no message in it')], raw: text }];
  return messages.map((message) => finish(message, unb, whole, text));
}

function endFaults(segments) {
  const unh = segments[0], unt = segments.at(-1), faults = [];
  if (Number(first(unt, 1)) !== segments.length) faults.push(segmentFault(unt, 1, `it counts ${first(unt, 1)} segments, where there are ${segments.length}`));
  if (!sameControl(first(unt, 2), first(unh, 1))) faults.push(segmentFault(unt, 2, `control number ${first(unt, 2)}, where UNH01 has ${first(unh, 1)}`));
  return faults;
}

function finish({ segments, errors, envelope, end }, unb, whole, text) {
  const [type, ...version] = segments[0].elements[1] ?? [];
  return {
    format: 'edifact',
    type,
    version: version.slice(0, 2).join('.'),
    interchange: envelopeOf(unb),
    control: first(segments[0], 1),
    ...gatherIds(nest(segments.slice(1, end ? -1 : undefined).map(bare), segments[0].at, grammar, decorate)),
    errors,
    envelope: [...(envelope ?? []), ...whole],
    raw: text
  };
}

export function readEdifact(text) {
  const read = tokens(text.replace(/[\r\n]+\s*/g, '').replace(/^(UNA....)[^ ]/, '$1 '));
  read.segments.forEach((segment) => point(segment, read.mark));
  return collect(read, text);
}

// ---- TRADACOMS: STX= ... END=, messages from MHD= to MTR= ----

const tradacoms = { OLD: { except: ['OLD', 'OTR'] } };

function tradacomsMessage({ segments, errors, envelope, end }, stx, whole, text) {
  return {
    format: 'tradacoms',
    type: segments[0].elements[1]?.[0],
    version: segments[0].elements[1]?.[1],
    interchange: { sender: first(stx, 2), receiver: first(stx, 3), date: first(stx, 4), control: first(stx, 5) },
    control: first(segments[0], 1),
    ...nest(segments.slice(1, end ? -1 : undefined).map(bare), segments[0].at, tradacoms, () => ({})),
    errors,
    envelope: [...(envelope ?? []), ...whole],
    raw: text
  };
}

export function readTradacoms(text) {
  const { segments, problem } = tokens(text.replace(/[\r\n]+/g, '').replace(/(^|'\s*)([A-Z]{3})=/g, '$1$2+').replace(/'\s+/g, "'"));
  const stx = segments[0] ?? { at: 1, tag: 'STX', elements: [] };
  const whole = [], messages = [];
  let current = null, end = null;
  for (const segment of segments.slice(1)) {
    if (segment.tag === 'MHD') messages.push((current = { segments: [segment], errors: [] }));
    else if (segment.tag === 'END') end = segment;
    else if (!current) whole.push(segmentFault(segment, 0, 'it stands outside of any message'));
    else {
      current.segments.push(segment);
      if (segment.tag !== 'MTR') continue;
      current.end = segment;
      current.envelope = Number(first(segment, 1)) === current.segments.length ? []
        : [segmentFault(segment, 1, `it counts ${first(segment, 1)} segments, where there are ${current.segments.length}`)];
      current = null;
    }
  }
  if (problem) (current?.errors ?? whole).push(problem);
  else if (current) current.errors.push(segmentFault(current.segments.at(-1), 0, 'the message ends here without MTR'));
  if (!end) whole.push(fault(`behind segment ${segments.length}`, 'the file ends here without END'));
  else if (Number(first(end, 1)) !== messages.length) whole.push(segmentFault(end, 1, `it counts ${first(end, 1)} messages, where there are ${messages.length}`));
  if (!messages.length) return [{ format: 'tradacoms', errors: [...whole, fault('segment 1', 'there is no message in it')], raw: text }];
  return messages.map((message) => tradacomsMessage(message, stx, whole, text));
}
