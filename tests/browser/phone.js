/* phone.js - a phone in a page, for tests: speaks a note and keeps what it hears.
 *
 *   phone.offer({ note, codecs, microphone })  ->  SDP, for the POST
 *   phone.answer(sdp)                              of the 201
 *
 * No candidate is waited for and none is sent: the gateway needs none of them. */
window.phone = (() => {
	const KEEP_S = 20;
	let context, pc, oscillator;
	let pieces = [];

	/* Chromium decodes a stream only where an element plays it. */
	const listen = (stream) => {
		const audio = new Audio();
		audio.srcObject = stream;
		audio.muted = true;
		audio.play();
		const tap = context.createScriptProcessor(2048, 1, 1);
		tap.onaudioprocess = ({ inputBuffer }) => {
			pieces.push(inputBuffer.getChannelData(0).slice());
			if (pieces.length > KEEP_S * context.sampleRate / 2048)
				pieces.shift();
		};
		context.createMediaStreamSource(stream).connect(tap).connect(context.destination);
		window.keep = [audio, tap]; /* the collector knows nothing of sound */
	};

	const voice = async (note, microphone) => {
		if (microphone)
			return navigator.mediaDevices.getUserMedia({ audio: true });
		const out = context.createMediaStreamDestination();
		const gain = context.createGain();
		gain.gain.value = 0.5;
		oscillator = context.createOscillator();
		oscillator.frequency.value = note;
		oscillator.connect(gain).connect(out);
		oscillator.start();
		return out.stream;
	};

	const offer = async ({ note = 1000, codecs, microphone = false }) => {
		context = new AudioContext();
		await context.resume();
		pc = new RTCPeerConnection();
		pc.addEventListener("track", ({ streams, track }) => listen(streams[0] ?? new MediaStream([track])));
		const stream = await voice(note, microphone);
		pc.addTrack(stream.getTracks()[0], stream);
		const [transceiver] = pc.getTransceivers();
		if (codecs) {
			const known = RTCRtpReceiver.getCapabilities("audio").codecs;
			transceiver.setCodecPreferences(known.filter(({ mimeType }) =>
				codecs.some((name) => mimeType === `audio/${name}`) || mimeType === "audio/telephone-event"));
		}
		await pc.setLocalDescription(await pc.createOffer());
		return pc.localDescription.sdp;
	};

	const answer = async (sdp) => {
		await pc.setRemoteDescription({ type: "answer", sdp });
	};

	const state = () => ({ ice: pc.iceConnectionState, connection: pc.connectionState, dtls: pc.getSenders()[0].transport?.state });

	/* What was heard since the last forget(): base64 of 16 bit samples. */
	const heard = () => {
		const all = new Int16Array(pieces.reduce((sum, { length }) => sum + length, 0));
		let at = 0;
		for (const piece of pieces)
			for (const sample of piece)
				all[at++] = Math.max(-1, Math.min(1, sample)) * 32767;
		const bytes = new Uint8Array(all.buffer);
		let text = "";
		for (let i = 0; i < bytes.length; i += 8192)
			text += String.fromCharCode(...bytes.subarray(i, i + 8192));
		return { rate: context.sampleRate, samples: btoa(text) };
	};

	const stats = async () => {
		const said = {};
		for (const entry of (await pc.getStats()).values())
			if (["inbound-rtp", "outbound-rtp", "remote-inbound-rtp"].includes(entry.type))
				said[entry.type] = entry;
		return said;
	};

	return {
		offer, answer, state, heard, stats,
		forget: () => { pieces = []; },
		press: (digits) => pc.getSenders()[0].dtmf.insertDTMF(digits, 100, 70),
		canPress: () => pc.getSenders()[0].dtmf?.canInsertDTMF ?? false,
		hangUp: () => pc.close(),
	};
})();
