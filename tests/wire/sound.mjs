/* Sound for tests: WAV files written and read, and how much of a note is in them. */
import { readFileSync, writeFileSync } from "node:fs";

/* seconds of a note, half as loud as can be. */
export const sine = (rate, hz, seconds) => {
	const samples = new Int16Array(Math.round(rate * seconds));
	for (let i = 0; i < samples.length; i++)
		samples[i] = Math.round(16000 * Math.sin((2 * Math.PI * hz * i) / rate));
	return samples;
};

/* channels: Int16Arrays of one length. */
export const writeWav = (path, rate, channels) => {
	const count = channels[0].length;
	const file = Buffer.alloc(44 + count * channels.length * 2);
	file.write("RIFF", 0);
	file.writeUInt32LE(file.length - 8, 4);
	file.write("WAVEfmt ", 8);
	file.writeUInt32LE(16, 16);
	file.writeUInt16LE(1, 20);
	file.writeUInt16LE(channels.length, 22);
	file.writeUInt32LE(rate, 24);
	file.writeUInt32LE(rate * channels.length * 2, 28);
	file.writeUInt16LE(channels.length * 2, 32);
	file.writeUInt16LE(16, 34);
	file.write("data", 36);
	file.writeUInt32LE(file.length - 44, 40);
	for (let i = 0; i < count; i++)
		channels.forEach((samples, c) => file.writeInt16LE(samples[i], 44 + (i * channels.length + c) * 2));
	writeFileSync(path, file);
};

/* A file, or its bytes: { rate, channels }. Programs that are killed leave the
 * length in the header at 0, so the data chunk goes to the end of the file then. */
export const readWav = (from) => {
	const file = Buffer.isBuffer(from) ? from : readFileSync(from);
	let format = null;
	for (let at = 12; at + 8 <= file.length;) {
		const name = file.toString("latin1", at, at + 4);
		const size = file.readUInt32LE(at + 4);
		if (name === "fmt ")
			format = { channels: file.readUInt16LE(at + 10), rate: file.readUInt32LE(at + 12), bits: file.readUInt16LE(at + 22) };
		if (name === "data") {
			if (!format || format.bits !== 16)
				throw new Error("not a WAV of 16 bit");
			const end = size && at + 8 + size <= file.length ? at + 8 + size : file.length;
			const count = Math.floor((end - at - 8) / 2 / format.channels);
			const channels = Array.from({ length: format.channels }, () => new Int16Array(count));
			for (let i = 0; i < count; i++)
				channels.forEach((samples, c) => { samples[i] = file.readInt16LE(at + 8 + (i * format.channels + c) * 2); });
			return { rate: format.rate, channels, seconds: count / format.rate };
		}
		at += 8 + size + (size & 1);
	}
	throw new Error("no WAV, or none with sound");
};

/* The power of samples, and the share of it that is the note hz (Goertzel). */
const look = (samples, rate, hz) => {
	const k = 2 * Math.cos((2 * Math.PI * hz) / rate);
	let [a, b, power] = [0, 0, 0];
	for (const sample of samples) {
		[a, b] = [sample + k * a - b, a];
		power += sample * sample;
	}
	const note = (2 * (a * a + b * b - k * a * b)) / samples.length;
	return { power: power / samples.length, share: power ? note / power : 0 };
};

/* Seconds in which the note is what is heard, or the notes of a key together: loud
 * enough, and four fifths of the power. Counted in windows of 50 ms. */
export const secondsOf = (samples, rate, ...notes) => {
	const size = Math.round(rate / 20);
	let count = 0;
	for (let at = 0; at + size <= samples.length; at += size) {
		const looks = notes.map((hz) => look(samples.subarray(at, at + size), rate, hz));
		const shares = looks.map(({ share }) => share);
		if (looks[0].power > 500 * 500 && shares.reduce((sum, share) => sum + share) > 0.8 && Math.min(...shares) > 0.1)
			count++;
	}
	return count / 20;
};
