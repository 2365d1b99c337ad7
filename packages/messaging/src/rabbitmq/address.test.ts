import { describe, expect, it } from 'vitest';
import { InvalidBrokerUrl, parseBrokerUrl } from './address.ts';

describe('the address of a broker', () => {
  it('has the defaults of RabbitMQ where it names nothing', () => {
    expect(parseBrokerUrl('amqp://broker')).toEqual({
      connect: { protocol: 'amqp', hostname: 'broker', port: 5672, vhost: '%2F', heartbeat: 10 },
      tls: {},
      display: 'broker:5672, virtual host /',
    });
    expect(parseBrokerUrl('amqps://broker/').connect).toMatchObject({ protocol: 'amqps', port: 5671, vhost: '%2F' });
  });

  it('names the user, the server and the options', () => {
    const { connect, display } = parseBrokerUrl('amqp://ana:p%40ss%2F@[::1]:5673/day%20book?heartbeat=3');
    expect(connect).toEqual({
      protocol: 'amqp',
      hostname: '::1',
      port: 5673,
      username: 'ana',
      password: 'p@ss/',
      vhost: 'day%20book',
      heartbeat: 3,
    });
    expect(display).toBe('[::1]:5673, virtual host day book');
  });

  it.each([
    ['rabbit', 'amqp://USER:PASSWORD@HOST'],
    ['http://ana:secret@broker', 'amqp://USER:PASSWORD@HOST'],
    ['amqp://ana:secret@', 'amqp://USER:PASSWORD@HOST'],
    ['amqp://ana:se cret@broker', 'amqp://USER:PASSWORD@HOST'],
    ['amqp://ana:secret@broker/a/b', '%2F'],
    ['amqp://ana:secret%E0%A4@broker', 'password that is not percent-encoded'],
    ['amqp://ana:secret@broker/#one', 'a # that is not percent-encoded'],
    ['amqp://ana:secret@broker?heartbeat=0', 'a heartbeat that is not'],
    ['amqp://ana:secret@broker?verify=none', 'an option other than'],
    ['amqp://ana:secret@broker?cacertfile=/secret', 'for amqps://'],
    ['amqps://ana:secret@broker?cacertfile=/nowhere/secret', 'a file in cacertfile that cannot be read'],
  ])('is refused in words that hold no secret: %s', (url, words) => {
    expect(() => parseBrokerUrl(url)).toThrow(InvalidBrokerUrl);
    expect(() => parseBrokerUrl(url)).toThrow(words);
    expect(() => parseBrokerUrl(url)).not.toThrow('secret');
  });
});
