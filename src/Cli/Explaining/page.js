'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const at = id => document.getElementById(id);
const width = 1306;

// ---- words

const number = n => n.toLocaleString('en-US');
const scaled = (n, steps, units) => { let u = 0; while (n >= steps && u < units.length - 1) { n /= steps; u++; } return (u === 0 ? number(n) : n.toFixed(n < 10 ? 2 : 1)) + ' ' + units[u]; };
const bytes = n => scaled(n, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
const flops = n => scaled(n, 1000, ['FLOP', 'kFLOP', 'MFLOP', 'GFLOP', 'TFLOP']);
const escaped = text => String(text).replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
const sum = (list, of) => list.reduce((total, item) => total + of(item), 0);

const families = [
  { name: 'products and convolutions', colour: '#f6c08a', kernels: ['contract', 'convolve'] },
  { name: 'maps', colour: '#c2dbf7', kernels: ['map', 'group'] },
  { name: 'reductions', colour: '#c9e6bd', kernels: ['reduce', 'shardsum', 'chain'] },
  { name: 'pools', colour: '#f0dc9c', kernels: ['maxpool', 'sumpool'] },
  { name: 'random numbers', colour: '#ecd0ec', kernels: ['random'] },
  { name: 'exchanges', colour: '#f6b3bb', kernels: ['exchange'] },
  { name: 'moves', colour: '#dcdee3', kernels: [] },
];
const familyOf = operation => families.find(f => f.kernels.includes(operation.kernel)) ?? families.at(-1);
const blockColours = { variable: '#c8cdd5', constant: '#b4bac4', input: '#b9d8cb', bucket: '#f6b3bb', output: '#d8c8ea' };
const columnOf = operation => ({ backward: 1, update: 2, exchange: 2 })[operation.phase] ?? 0;

function labelOf(operation) {
  // An update is known by what it updates.
  if (operation.phase === 'update' && operation.kernel !== 'group' && operation.name.startsWith('update ')) return operation.name.split(' ')[1].split('.').at(-1);
  const text = operation.op.replace('Convolve.FilterGradient', 'conv ∂w').replace('Convolve.ImageGradient', 'conv ∂x').replace('Convolve', 'conv')
    .replace('Contract', 'product').replace('Exchange ', '');
  return text.length > 19 ? text.slice(0, 18) + '…' : text;
}

// ---- drawing

const ruler = document.createElement('canvas').getContext('2d');
ruler.font = '10.5px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const lengthOf = text => Math.ceil(ruler.measureText(text).width);

function draw(parent, name, attributes, text) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  return parent.appendChild(element);
}

function canvas(host, height) {
  host.replaceChildren();
  return draw(host, 'svg', { width, height, viewBox: `0 0 ${width} ${height}` });
}

const tip = at('tip');
function hover(element, html, on, off) {
  element.addEventListener('mouseenter', () => { tip.innerHTML = html(); tip.style.display = 'block'; on?.(); });
  element.addEventListener('mousemove', event => {
    const { offsetWidth: w, offsetHeight: h } = tip;
    tip.style.left = Math.max(4, event.clientX + 16 + w > innerWidth ? event.clientX - w - 12 : event.clientX + 16) + 'px';
    tip.style.top = Math.max(4, Math.min(event.clientY + 14, innerHeight - h - 6)) + 'px';
  });
  element.addEventListener('mouseleave', () => { tip.style.display = 'none'; off?.(); });
}

// ---- what is looked at

let plan, view, blocks, hues;

function look(p, v) {
  plan = data.plans[p];
  view = plan.views[v];
  blocks = new Map(view.blocks.map(b => [b.id, b]));
  const named = view.layers.filter(l => l.layer);
  hues = new Map(named.map((l, i) => [l.layer, 222 - 222 * i / Math.max(1, named.length - 1)]));
  tiles(); ladder(); arena(); savings(); table();
}

const colourOf = block => blockColours[block.kind] ?? (hues.has(block.layer) ? `hsl(${hues.get(block.layer)} 62% 63%)` : '#a9afb8');

function tiles() {
  const cost = sum(view.operations, o => o.cost.flops), moved = sum(view.operations, o => o.cost.bytes);
  const all = [
    [number(plan.parameters), 'parameters'], [number(view.operations.length), 'kernels'], [flops(cost), view.samples ? 'at the least' : 'in all'],
    ...(view.samples ? [[flops(Math.round(cost / view.samples)), 'a sample']] : []),
    [bytes(moved), 'read and written'], [moved ? (cost / moved).toFixed(1) : '0', 'FLOP a byte'], [bytes(plan.arenaBytes), 'arena'],
    [(plan.arenaBytes / Math.max(1, plan.liveBytes)).toFixed(3), 'of the largest sum alive'],
  ];
  at('tiles').innerHTML = all.map(([value, what]) => `<div class="tile"><b>${value}</b><span>${what}</span></div>`).join('');
}

// ---- graph

function describe(operation, times) {
  const side = (title, list) => list.length === 0 ? '' : `<tr><th colspan="4">${title}</th></tr>` + list.map(a => {
    const block = blocks.get(a.block);
    return `<tr><td class="dim">b${a.block}</td><td>${escaped(block?.name ?? '')}</td><td>${escaped(a.type)}</td><td class="n">${block ? bytes(block.bytes) : ''}</td></tr>`;
  }).join('');
  const repeated = times > 1 ? ` · ${times} times in a row, this is the first` : '';
  const again = operation.again >= 0 ? `<br>computed again: the first time is number ${view.operations[operation.again].index}` : '';
  return `<b>${escaped(operation.name)}</b> <span class="dim">${escaped(operation.section)} · ${operation.index}${repeated}</span><br>${escaped(operation.form)}
    <br>${flops(operation.cost.flops)} · reads ${bytes(operation.cost.bytesRead)} · writes ${bytes(operation.cost.bytesWritten)}${again}
    <table>${side('reads', operation.reads)}${side('writes', operation.writes)}</table>`;
}

function ladder() {
  const operations = view.operations, rows = view.layers;
  const columns = [{ x: 196, width: 352 }, { x: 640, width: 420 }, { x: 1100, width: 206 }];
  const high = 20, gap = 4, boxes = new Map(), readers = new Map();
  operations.forEach((o, i) => o.after.forEach(d => readers.set(d, [...readers.get(d) ?? [], i])));

  // Where everything goes: boxes flow through the cell of their layer and column as words through a paragraph.
  let y = 30, group = 0;
  const places = rows.map((row, r) => {
    const top = y;
    const cells = [row.forward, row.backward, row.later].map((stretches, c) => flow(stretches, columns[c], top + 4));
    y = Math.max(top + high + 8, ...cells.map(cell => cell.bottom + 4));
    const family = row.layer.split('.')[0];
    if (r > 0 && family !== rows[r - 1].layer.split('.')[0]) group++;
    return { row, top, bottom: y, cells, shaded: group % 2 === 1 };
  });
  const picture = canvas(at('ladder'), y + 8);
  ['forward ↓', 'backward ↑', 'exchange · update'].forEach((title, c) => draw(picture, 'text', { x: columns[c].x, y: 18, class: 'head' }, title));
  for (const place of places) {
    draw(picture, 'rect', { x: 0, y: place.top, width, height: place.bottom - place.top, fill: place.shaded ? '#f4f6f8' : '#fff' });
    const short = place.row.layer.length > 22 ? '…' + place.row.layer.slice(-21) : place.row.layer;
    const label = draw(picture, 'text', { x: 14, y: place.top + 18, class: 'layer' }, short || '(batch, loose ends)');
    if (hues.has(place.row.layer)) draw(picture, 'rect', { x: 0, y: place.top, width: 5, height: place.bottom - place.top, fill: `hsl(${hues.get(place.row.layer)} 62% 63%)` });
    hover(label, () => `<b>${escaped(place.row.layer)}</b><br>${number(place.row.parameters)} parameters<br>forward ${flops(place.row.forwardCost.flops)}, backward ${flops(place.row.backwardCost.flops)}`);
  }

  edges();
  for (const place of places) for (const cell of place.cells) paint(cell);

  function flow(stretches, column, top) {
    const items = [], frames = [];
    let x = column.x, line = top, bottom = top + high;
    for (const stretch of stretches) {
      const texts = stretch.operations.map(i => labelOf(operations[i])), wide = texts.map(t => 10 + lengthOf(t));
      const whole = sum(wide, w => w + gap);
      if (stretch.count > 1 && (x > column.x && x + whole + 40 > column.x + column.width)) { x = column.x; line += high + gap; }
      const start = { x, line };
      texts.forEach((text, k) => {
        if (x > column.x && x + wide[k] > column.x + column.width) { x = column.x; line += high + gap; }
        items.push({ index: stretch.operations[k], x, y: line, width: wide[k], text, times: stretch.count });
        x += wide[k] + gap;
      });
      if (stretch.count > 1) {
        const folded = start.line !== line;
        frames.push({ x: (folded ? column.x : start.x) - 3, y: start.line - 3, width: (folded ? column.width : x - start.x - gap) + 6, height: line - start.line + high + 6, count: stretch.count, textX: x, textY: line + 14 });
        x += 40;
      }
      bottom = line + high;
    }
    return { items, frames, bottom: stretches.length ? bottom : top };
  }

  function paint(cell) {
    for (const frame of cell.frames) {
      draw(picture, 'rect', { x: frame.x, y: frame.y, width: frame.width, height: frame.height, rx: 6, class: 'around' });
      draw(picture, 'text', { x: frame.textX + 4, y: frame.textY, class: 'count' }, '×' + frame.count);
    }
    for (const item of cell.items) {
      const operation = operations[item.index];
      const box = draw(picture, 'rect', { x: item.x, y: item.y, width: item.width, height: high, rx: 4, fill: familyOf(operation).colour, class: operation.again >= 0 ? 'box again' : 'box' });
      draw(picture, 'text', { x: item.x + 5, y: item.y + 14, class: 'label' }, item.text);
      boxes.set(item.index, box);
      const neighbours = () => [[operation.after, 'reads'], [readers.get(item.index) ?? [], 'feeds']];
      hover(box, () => describe(operation, item.times),
        () => { box.classList.add('self'); neighbours().forEach(([list, name]) => list.forEach(i => boxes.get(i)?.classList.add(name))); },
        () => { box.classList.remove('self'); neighbours().forEach(([list, name]) => list.forEach(i => boxes.get(i)?.classList.remove(name))); });
    }
  }

  /** Results that go to another layer than the next one, from row to row. */
  function edges() {
    const rowOf = new Map(rows.map((row, r) => [row.layer, r]));
    const busy = [0, 1].map(c => rows.map((row, r) => [row.forward, row.backward][c].length ? r : -1).filter(r => r >= 0));
    const found = new Map();
    operations.forEach((operation, i) => {
      for (const d of operation.after) {
        const from = rowOf.get(operations[d].layer), to = rowOf.get(operation.layer), c = columnOf(operations[d]), e = columnOf(operation);
        if (from === undefined || to === undefined || !rows[from].layer || !rows[to].layer || c > 1 || e > 1 || (c === 1 && e === 0)) continue;
        if (c === e && Math.abs(busy[c].indexOf(from) - busy[c].indexOf(to)) <= 1) continue;
        const shared = operation.reads.map(a => a.block).filter(b => operations[d].writes.some(w => w.block === b) && (c === e || blocks.get(b)?.kept));
        if (shared.length === 0) continue;
        const key = `${c}${e} ${from} ${to}`;
        if (!found.has(key)) found.set(key, { c, e, from, to, blocks: new Set() });
        shared.forEach(b => found.get(key).blocks.add(b));
      }
    });
    const most = Math.max(1, ...view.blocks.filter(b => b.kept).map(b => b.bytes));
    for (const edge of found.values()) {
      const a = middle(edge.from), b = middle(edge.to), list = [...edge.blocks].map(id => blocks.get(id)).filter(x => x);
      const size = sum(list, x => x.bytes);
      let path;
      if (edge.c !== edge.e) {
        const x1 = columns[0].x + columns[0].width + 6, x2 = columns[1].x - 8, bend = (x2 - x1) / 2;
        path = draw(picture, 'path', { d: `M${x1} ${a} C${x1 + bend} ${a} ${x2 - bend} ${b} ${x2} ${b}`, class: 'held', 'stroke-width': (1 + 7 * Math.sqrt(size / most)).toFixed(1) });
      } else {
        const side = edge.c === 0 ? -1 : 1, x = edge.c === 0 ? columns[0].x - 7 : columns[1].x + columns[1].width + 5;
        const out = side * Math.min(34, 9 + 2.2 * Math.abs(edge.to - edge.from));
        path = draw(picture, 'path', { d: `M${x} ${a} C${x + out} ${a} ${x + out} ${b} ${x} ${b}`, class: 'skip' });
      }
      hover(path, () => `<b>${escaped(rows[edge.from].layer)} → ${escaped(rows[edge.to].layer)}</b> <span class="dim">${edge.c !== edge.e ? 'kept for the way back' : ''}</span><br>${bytes(size)}<table>${list.slice(0, 12).map(x =>
        `<tr><td class="dim">b${x.id}</td><td>${escaped(x.name)}</td><td class="n">${bytes(x.bytes)}</td></tr>`).join('')}</table>`,
      () => path.classList.add('on'), () => path.classList.remove('on'));
    }

    function middle(r) { return places[r].top + 14; }
  }
}

// ---- memory

function arena() {
  const operations = view.operations, left = 64, top = 34, high = 430, n = operations.length, all = plan.arenaBytes || 1;
  const picture = canvas(at('arena'), top + high + 28);
  const hatch = draw(draw(picture, 'defs'), 'pattern', { id: 'hatch', width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' });
  draw(hatch, 'line', { x1: 0, y1: 0, x2: 0, y2: 5, stroke: 'rgba(0,0,0,.30)', 'stroke-width': 1.4 });
  const x = i => left + (width - left - 4) * i / n, y = b => top + high - high * b / all;

  const tick = niceStep(all / 9);
  for (let b = 0; b <= all; b += tick) {
    draw(picture, 'line', { x1: left, x2: width, y1: y(b), y2: y(b), class: 'rule' });
    draw(picture, 'text', { x: left - 6, y: y(b) + 4, 'text-anchor': 'end', class: 'axis' }, bytes(b));
  }

  const tones = { forward: '#cfe1f7', backward: '#e4d3f3', update: '#d5ead0', exchange: '#f6b3bb', copy: '#dcdee3', evaluation: '#cfe1f7', other: '#dcdee3' };
  for (let i = 0, from = 0; i < n; i++) {
    if (i + 1 < n && operations[i + 1].phase === operations[i].phase) continue;
    draw(picture, 'rect', { x: x(from), y: 8, width: x(i + 1) - x(from), height: 16, fill: tones[operations[i].phase] });
    if (x(i + 1) - x(from) > 56) draw(picture, 'text', { x: (x(from) + x(i + 1)) / 2, y: 20, 'text-anchor': 'middle', class: 'axis' }, operations[i].phase);
    from = i + 1;
  }

  for (const block of view.blocks) {
    const place = { x: x(block.first), y: y(block.offset + block.bytes), width: Math.max(1, x(block.last + 1) - x(block.first)), height: Math.max(.6, y(block.offset) - y(block.offset + block.bytes)) };
    const rect = draw(picture, 'rect', { ...place, fill: colourOf(block), class: 'block' });
    if (block.kept) draw(picture, 'rect', { ...place, fill: 'url(#hatch)', 'pointer-events': 'none' });
    hover(rect, () => blockTip(block), () => rect.classList.add('on'), () => rect.classList.remove('on'));
  }

  const change = new Array(n + 1).fill(0);
  let lasting = 0;
  for (const block of view.blocks) {
    const size = Math.ceil(block.bytes / 64) * 64;
    if (block.kind !== 'transient') { lasting += size; continue; }
    change[block.first + (block.over >= 0 ? 1 : 0)] += size;
    change[block.last + 1] -= size;
  }
  let live = lasting, path = '', peak = 0;
  for (let i = 0; i < n; i++) {
    live += change[i];
    if (live > peak) peak = live;
    path += `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${y(live).toFixed(1)}L${x(i + 1).toFixed(1)} ${y(live).toFixed(1)}`;
  }
  draw(picture, 'path', { d: path, class: 'live' });
  draw(picture, 'text', { x: left, y: top + high + 20, class: 'axis' }, `${number(n)} operations, in the order in which they are admitted · at most ${bytes(peak)} alive · grey below: what lasts (parameters, optimizer state, buckets)`);
}

function niceStep(least) {
  let step = 1;
  while (step < least) step *= 2;
  return step;
}

function blockTip(block) {
  const first = view.operations[block.first], last = view.operations[block.last], over = blocks.get(block.over);
  const life = block.kind === 'transient'
    ? `from ${escaped(first.name)}<br>to ${escaped(last.name)}, ${number(block.last - block.first + 1)} operations` : `${block.kind}: lasts`;
  return `<b>b${block.id} ${escaped(block.name)}</b><br>${bytes(block.bytes)} at ${bytes(block.offset)}<br>${life}${block.kept ? '<br>kept for the way back' : ''}${over ? `<br>in the place of b${over.id} ${escaped(over.name)}` : ''}`;
}

// ---- kept, shared, again

function savings() {
  const transient = view.blocks.filter(b => b.kind === 'transient');
  const kept = transient.filter(b => b.kept), over = transient.filter(b => b.over >= 0), again = view.operations.filter(o => o.again >= 0);
  const room = plan.arenaBytes - sum(view.blocks.filter(b => b.kind !== 'transient'), b => Math.ceil(b.bytes / 64) * 64), used = sum(transient, b => b.bytes);
  const largest = (list, row) => list.length === 0 ? '' : `<table>${[...list].sort((a, b) => b.bytes - a.bytes).slice(0, 10).map(row).join('')}</table>${list.length > 10 ? `<p>… and ${number(list.length - 10)} smaller ones</p>` : ''}`;
  at('savings').innerHTML = `
    <div><h3>Kept for the way back: ${bytes(sum(kept, b => b.bytes))}</h3><p>${number(kept.length)} blocks that are written going forward and read going back.</p>
      ${largest(kept, b => `<tr><td title="${escaped(b.name)}">${escaped(b.name)}</td><td>${bytes(b.bytes)}</td><td>for ${number(b.last - b.first + 1)} operations</td></tr>`)}</div>
    <div><h3>Shared: ${bytes(used)} in ${bytes(Math.max(0, room))}</h3><p>${number(transient.length)} passing blocks share the arena, ${room > 0 ? (used / room).toFixed(1) : '1'} to a byte.
      ${number(over.length)} of them (${bytes(sum(over, b => b.bytes))}) are written in place of what they are computed from.</p>
      ${largest(over, b => `<tr><td title="${escaped(b.name)}">${escaped(b.name)}</td><td>${bytes(b.bytes)}</td><td>over b${b.over}</td></tr>`)}</div>
    <div><h3>Computed again: ${again.length === 0 ? 'nothing' : flops(sum(again, o => o.cost.flops))}</h3>
      <p>${again.length === 0 ? 'Everything is computed once.' : `${number(again.length)} kernels run a second time on the way back, so that their results need not be kept: ${bytes(sum(again, o => o.cost.bytes))} more read and written${view.recomputed ? `, and at most ${bytes(view.recomputed.bytes)} of passing blocks alive instead of ${bytes(view.recomputed.bytesOnce)}` : ''}.`}</p>
      ${largest(again.map(o => ({ ...o, bytes: o.cost.flops })), o => `<tr><td title="${escaped(o.name)}">${escaped(o.name)}</td><td>${flops(o.cost.flops)}</td><td>number ${o.index}</td></tr>`)}</div>`;
}

// ---- layers

let sorted = 'flops';
function table() {
  const rows = view.layers.map(l => ({
    layer: l.layer || '(batch, loose ends)', parameters: l.parameters, forward: l.forwardCost.flops, backward: l.backwardCost.flops, later: l.laterCost.flops,
    flops: l.forwardCost.flops + l.backwardCost.flops + l.laterCost.flops, read: l.forwardCost.bytes, back: l.backwardCost.bytes, after: l.laterCost.bytes,
    bytes: l.forwardCost.bytes + l.backwardCost.bytes + l.laterCost.bytes, kept: l.keptBytes,
  }));
  const plain = n => n ? flops(n) : '', size = n => n ? bytes(n) : '';
  const columns = [
    ['parameters', 'parameters', n => n ? number(n) : ''], ['forward', 'forward', plain], ['backward', 'backward', plain], ['later', 'update', plain], ['flops', 'FLOP in all', plain, true],
    ['read', 'moved forward', size], ['back', 'backward', size], ['after', 'update', size], ['bytes', 'bytes in all', size, true], ['kept', 'kept', size, true],
  ];
  const most = Object.fromEntries(columns.map(([key]) => [key, Math.max(1, ...rows.map(r => r[key]))]));
  rows.sort((a, b) => b[sorted] - a[sorted]);
  const cells = row => columns.map(([key, , show, bar]) => bar ? `<td class="bar" style="--share:${(100 * row[key] / most[key]).toFixed(1)}%">${show(row[key])}</td>` : `<td>${show(row[key])}</td>`).join('');
  const total = Object.fromEntries(columns.map(([key]) => [key, sum(rows, r => r[key])]));
  at('table').innerHTML = `<table><thead><tr><th>layer</th>${columns.map(([key, title]) => `<th class="sorts${key === sorted ? ' sorted' : ''}" data-key="${key}">${title}</th>`).join('')}<th>FLOP a byte</th></tr></thead>
    <tbody>${rows.map(r => `<tr><td>${escaped(r.layer)}</td>${cells(r)}<td>${r.bytes ? (r.flops / r.bytes).toFixed(1) : ''}</td></tr>`).join('')}</tbody>
    <tfoot><tr><td>all</td>${columns.map(([key, , show]) => `<td>${show(total[key])}</td>`).join('')}<td>${total.bytes ? (total.flops / total.bytes).toFixed(1) : ''}</td></tr></tfoot></table>`;
  at('table').querySelectorAll('th.sorts').forEach(head => head.addEventListener('click', () => { sorted = head.dataset.key; table(); }));
}

// ---- the page

document.querySelector('h1').textContent = data.job;
at('facts').innerHTML = data.facts.map(f => `<dt>${escaped(f.name)}</dt><dd>${escaped(f.text)}</dd>`).join('');
at('families').innerHTML = families.map(f => `<span><i style="background:${f.colour}"></i>${f.name}</span>`).join('') + '<span><i style="border:1.5px dashed #b3261e"></i>computed again</span>';

const choose = (options, chosen) => {
  const select = document.createElement('select');
  options.forEach((text, i) => select.add(new Option(text, i)));
  select.addEventListener('change', chosen);
  return at('choices').appendChild(select);
};
const onPlan = choose(data.plans.map(p => `plan of ${p.devices}`), () => { fill(); look(+onPlan.value, 0); });
const onView = choose([], () => look(+onPlan.value, +onView.value));
const fill = () => onView.replaceChildren(...data.plans[+onPlan.value].views.map((v, i) => new Option(v.title, i)));
fill();
look(0, 0);
