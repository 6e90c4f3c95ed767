// A supervisor's ear: one mixed stream of a call in the language of a party, µ-law at 8 kHz over a WebSocket.

const RATE = 8000;
/// Sound begins so late that a network's unevenness is not heard, and is never later than the second value.
const CUSHION_S = 0.12;
const LATE_S = 0.8;

/// G.711 µ-law (ITU-T G.711, table 2a) to samples between -1 and 1.
const LEVELS = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84;
  return ((bits & 0x80) !== 0 ? -magnitude : magnitude) / 32768;
});

/// Plays the call until the returned function is called; `lost()` is called if it ends otherwise. From a click only:
/// a browser plays nothing before one.
export function listenTo(id, side, lost) {
  const context = new AudioContext({ sampleRate: RATE });
  const address = new URL(`/api/calls/${encodeURIComponent(id)}/listen?language=${side}`, location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  let next = 0;
  let over = false;
  socket.addEventListener('message', ({ data }) => {
    if (!over && data instanceof ArrayBuffer) next = play(context, new Uint8Array(data), next);
  });
  const stop = () => {
    if (over) return;
    over = true;
    socket.close();
    context.close().catch(() => {});
  };
  socket.addEventListener('close', () => {
    if (over) return;
    stop();
    lost();
  });
  return stop;
}

function play(context, bytes, next) {
  if (bytes.length === 0) return next;
  const buffer = context.createBuffer(1, bytes.length, RATE);
  const samples = buffer.getChannelData(0);
  for (let at = 0; at < bytes.length; at += 1) samples[at] = LEVELS[bytes[at]];
  const now = context.currentTime;
  const begin = next < now ? now + CUSHION_S : next;
  if (begin - now > LATE_S) return next;
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  source.start(begin);
  return begin + buffer.duration;
}
