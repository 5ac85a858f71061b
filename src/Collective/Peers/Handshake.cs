using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Singa.Actors.Collective.Peers;

/// <summary>What a connection is for.</summary>
internal enum Purpose : byte
{
    Rounds = 1,
    Probe,
    Blob,
}

/// <summary>How the one who is called answers.</summary>
internal enum Answer : byte
{
    Welcome,

    /// <summary>The incarnation that was called is no more.</summary>
    OtherIncarnation,

    /// <summary>Both called each other at the same time; the other call counts.</summary>
    Crossed,

    /// <summary>Segments of another size.</summary>
    OtherSettings,
}

/// <summary>Who calls, and what for.</summary>
internal sealed record Greeting(Purpose Purpose, PeerId Peer);

/// <summary>
/// The first bytes both ways, after TLS where there is a secret: who calls whom, with a nonce of each side that the other repeats, so
/// that bytes that were recorded once are worth nothing. Nothing else is read before it has succeeded.
/// <code>
/// hello:   magic(8) purpose(1) host length(1) port(2) segment bytes(4) incarnation(8) incarnation called(8) nonce(16) host
/// welcome: magic(8) answer(1) 0(3) segment bytes(4) incarnation(8) hello's nonce(16) nonce(16)
/// begin:   welcome's nonce(16)
/// </code>
/// </summary>
internal static class Handshake
{
    private const int HelloBytes = 48;
    private const int WelcomeBytes = 56;
    private const int NonceBytes = 16;

    private static ReadOnlySpan<byte> Magic => "SINGA/1\n"u8;

    /// <param name="judge">Whether to let it in; called once, when it has said who it is.</param>
    /// <returns>Null: it was answered, and nothing more is wanted.</returns>
    /// <exception cref="HandshakeException">It is refused.</exception>
    public static async Task<Greeting?> AcceptAsync(Stream stream, PeerId local, int segmentBytes, Func<Greeting, Answer> judge)
    {
        byte[] hello = new byte[HelloBytes];
        await ReadAsync(stream, hello.AsMemory(0, Magic.Length)).ConfigureAwait(false);
        if (!hello.AsSpan().StartsWith(Magic))
            throw new HandshakeException(Refusal.Garbage, "its first bytes are no handshake");
        await ReadAsync(stream, hello.AsMemory(Magic.Length)).ConfigureAwait(false);
        var purpose = (Purpose)hello[8];
        byte[] host = new byte[hello[9]];
        await ReadAsync(stream, host).ConfigureAwait(false);
        if (!Enum.IsDefined(purpose) || host.Length == 0)
            throw new HandshakeException(Refusal.Garbage, "its handshake makes no sense");
        var peer = new PeerId(
            Encoding.UTF8.GetString(host), BinaryPrimitives.ReadUInt16LittleEndian(hello.AsSpan(10)), BinaryPrimitives.ReadInt64LittleEndian(hello.AsSpan(16)));
        int segment = BinaryPrimitives.ReadInt32LittleEndian(hello.AsSpan(12));
        long called = BinaryPrimitives.ReadInt64LittleEndian(hello.AsSpan(24));
        var greeting = new Greeting(purpose, peer);
        var answer = called != local.Incarnation ? Answer.OtherIncarnation
            : segment != segmentBytes ? Answer.OtherSettings
            : judge(greeting);
        byte[] welcome = new byte[WelcomeBytes];
        Magic.CopyTo(welcome);
        welcome[8] = (byte)answer;
        BinaryPrimitives.WriteInt32LittleEndian(welcome.AsSpan(12), segmentBytes);
        BinaryPrimitives.WriteInt64LittleEndian(welcome.AsSpan(16), local.Incarnation);
        hello.AsSpan(32, NonceBytes).CopyTo(welcome.AsSpan(24));
        RandomNumberGenerator.Fill(welcome.AsSpan(40, NonceBytes));
        await stream.WriteAsync(welcome).ConfigureAwait(false);
        switch (answer)
        {
            case Answer.OtherIncarnation:
                throw new HandshakeException(Refusal.Incarnation, $"{peer} looks for an incarnation of this process that is no more");
            case Answer.OtherSettings:
                throw new HandshakeException(Refusal.Settings, $"{peer} has singa.collective.segment-size {segment}, here it is {segmentBytes}");
            case Answer.Crossed:
                return null;
        }

        if (purpose is Purpose.Probe)
            return null;
        byte[] begin = new byte[NonceBytes];
        try
        {
            await ReadAsync(stream, begin).ConfigureAwait(false);
        }
        catch (HandshakeException)
        {
            // It has thought better of it: meanwhile both are connected by the other's call.
            return null;
        }

        return CryptographicOperations.FixedTimeEquals(begin, welcome.AsSpan(40, NonceBytes))
            ? greeting
            : throw new HandshakeException(Refusal.Replay, $"its handshake as {peer} was made for another connection");
    }

    /// <param name="isWanted">Whether the connection is still wanted once the other side has answered; only then it hears the last word.</param>
    /// <exception cref="HandshakeException">The other side is not one of us, or does not let us in.</exception>
    public static async Task<Answer> DialAsync(Stream stream, PeerId local, PeerId peer, Purpose purpose, int segmentBytes, Func<bool> isWanted)
    {
        byte[] host = Encoding.UTF8.GetBytes(local.Host);
        byte[] hello = new byte[HelloBytes + host.Length];
        Magic.CopyTo(hello);
        (hello[8], hello[9]) = ((byte)purpose, (byte)host.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(hello.AsSpan(10), (ushort)local.Port);
        BinaryPrimitives.WriteInt32LittleEndian(hello.AsSpan(12), segmentBytes);
        BinaryPrimitives.WriteInt64LittleEndian(hello.AsSpan(16), local.Incarnation);
        BinaryPrimitives.WriteInt64LittleEndian(hello.AsSpan(24), peer.Incarnation);
        RandomNumberGenerator.Fill(hello.AsSpan(32, NonceBytes));
        host.CopyTo(hello.AsSpan(HelloBytes));
        await stream.WriteAsync(hello).ConfigureAwait(false);
        byte[] welcome = new byte[WelcomeBytes];
        await ReadAsync(stream, welcome).ConfigureAwait(false);
        if (!welcome.AsSpan().StartsWith(Magic) || !welcome.AsSpan(24, NonceBytes).SequenceEqual(hello.AsSpan(32, NonceBytes)))
            throw new HandshakeException(Refusal.Garbage, $"what listens at {peer} is no data plane");
        var answer = (Answer)welcome[8];
        if (answer is Answer.OtherSettings)
            throw new HandshakeException(Refusal.Settings, $"{peer} has singa.collective.segment-size {BinaryPrimitives.ReadInt32LittleEndian(welcome.AsSpan(12))}, here it is {segmentBytes}: all nodes need the same");
        if (answer is Answer.Welcome)
        {
            if (BinaryPrimitives.ReadInt64LittleEndian(welcome.AsSpan(16)) != peer.Incarnation)
                return Answer.OtherIncarnation;
            if (!isWanted())
                return Answer.Crossed;
            if (purpose is not Purpose.Probe)
                await stream.WriteAsync(welcome.AsMemory(40, NonceBytes)).ConfigureAwait(false);
        }

        return answer;
    }

    private static async Task ReadAsync(Stream stream, Memory<byte> buffer)
    {
        try
        {
            await stream.ReadExactlyAsync(buffer).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException)
        {
            throw new HandshakeException(Refusal.HungUp, "it hung up during the handshake");
        }
    }
}
