import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createSmtpSender } from './smtp.ts';

/** A mail server that keeps what it accepts. */
async function startServer(responses: { recipient?: string } = {}) {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.write('220 mail.example ESMTP\r\n');
    let isData = false;
    let pending = '';
    socket.on('data', (data) => {
      pending += String(data);
      for (let end = pending.indexOf('\r\n'); end >= 0; end = pending.indexOf('\r\n')) {
        const line = pending.slice(0, end);
        pending = pending.slice(end + 2);
        received.push(line);
        if (isData && line !== '.') continue;
        if (isData) {
          isData = false;
          socket.write('250 accepted\r\n');
        } else if (line === 'DATA') {
          isData = true;
          socket.write('354 go on\r\n');
        } else if (line.startsWith('RCPT')) socket.write(`${responses.recipient ?? '250 ok'}\r\n`);
        else if (line === 'QUIT') socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { received, send: createSmtpSender({ url: `smtp://127.0.0.1:${port}`, from: 'clinic@example.org' }) };
}

const message = { to: 'ana@example.org', subject: 'Conta no Daybook – olá', text: 'Olá, Ana', language: 'pt' };

it('a mail reaches the server with its sender, its one recipient and its text', async () => {
  const { received, send } = await startServer();
  await send(message);
  expect(received).toContain('MAIL FROM:<clinic@example.org>');
  expect(received.filter((line) => line.startsWith('RCPT'))).toEqual(['RCPT TO:<ana@example.org>']);
  expect(received.join('\n').toLowerCase()).toContain('content-language: pt');
  expect(received.join('\n')).toMatch(/Ol=C3=A1, Ana|T2zDoSwgQW5h/);
});

it('a mail that the server rejects is a failure', async () => {
  const { send } = await startServer({ recipient: '550 no such mailbox' });
  await expect(send(message)).rejects.toMatchObject({ code: 'EENVELOPE' });
});
