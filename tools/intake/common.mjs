// What the readers share: text of a file, faults, loops.

// UTF-8 where it is, otherwise Latin 1, as UNOC says; without a byte order mark and what stands before the first segment.
export function fileText(bytes) {
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    text = new TextDecoder('latin1').decode(bytes);
  }
  return text.replace(/^[\uFEFF\s]+/, '').replaceAll('\0', '\uFFFD');
}

// path: where, as a person looks for it.
export function fault(path, message, place = {}) {
  return { path, message: `${path}: ${message}`, ...place };
}

export function segmentFault(segment, element, message) {
  const where = element ? `${segment.tag}${String(element).padStart(2, '0')}` : segment.tag;
  return fault(`segment ${segment.at}, ${where}`, message, { segment: segment.at, tag: segment.tag, ...(element ? { element } : {}) });
}

// A segment as an object: its elements by name, BEG03; what is empty is left out.
// at: its place in the message.
function asObject(segment, from) {
  const object = { at: segment.at - from + 1 };
  segment.elements.forEach((value, i) => {
    if (value.length > 0 && (typeof value === 'string' || value.some((part) => part !== '')))
      object[segment.tag + String(i + 1).padStart(2, '0')] = value;
  });
  return object;
}

function put(object, tag, value) {
  (object[tag] ??= []).push(value);
}

// Nest segments: grammar says which tags begin a loop, and what it may hold.
// {TAG: {holds: [tags] | except: [tags], loops: grammar}}
function takes(loop, tag) {
  return loop.except ? !loop.except.includes(tag) : loop.holds.includes(tag);
}

export function nest(segments, from, grammar, decorate) {
  const root = {};
  const open = [{ object: root, loop: { except: [], loops: grammar } }];
  for (const segment of segments) {
    const object = { ...asObject(segment, from), ...decorate(segment) };
    while (open.length > 1 && !(segment.tag in (open.at(-1).loop.loops ?? {})) && !takes(open.at(-1).loop, segment.tag)) open.pop();
    const inner = open.at(-1);
    put(inner.object, segment.tag, object);
    const loop = inner.loop.loops?.[segment.tag];
    if (loop) open.push({ object, loop });
  }
  return root;
}

// Numbers with their qualifiers, [["VN", "AB3542"], ...], as an object; the first of a kind counts.
export function idsOf(pairs) {
  const ids = {};
  for (const [qualifier, value] of pairs) if (qualifier && value && !(qualifier in ids)) ids[qualifier] = value;
  return Object.keys(ids).length ? { ids } : {};
}

export const sameControl = (a, b) => a === b || (/^\d+$/.test(a) && /^\d+$/.test(b) && BigInt(a) === BigInt(b));
