using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Singa.Actors.Collective.Peers;

/// <summary>How dialling a peer ended.</summary>
internal enum Dialled
{
    /// <summary>It answered; where more than that was wanted, the connection is open.</summary>
    Answered,

    /// <summary>Its port is refused, or another incarnation answers: it is dead.</summary>
    Dead,

    /// <summary>It has called as well, and its call counts.</summary>
    Crossed,

    /// <summary>It hung up, for one of many reasons that may pass.</summary>
    HungUp,

    /// <summary>No answer in time, or no way there.</summary>
    Silent,

    /// <summary>It answers, and there is nothing to be agreed: another secret, other settings.</summary>
    Refused,
}

/// <summary>What two sides have once they have shown who they are. <c>Secure</c>: null without TLS.</summary>
internal sealed record Channel(Wire Wire, SslStream? Secure)
{
    public Stream Stream => Secure is null ? Wire : Secure;

    public void Close()
    {
        Wire.Drop();
        Secure?.Dispose();
        Wire.Socket.Dispose();
    }
}

/// <summary>What a process says and asks in a handshake.</summary>
internal sealed record HandshakeTerms(PeerId Local, Tls? Tls, int SegmentBytes, TimeSpan Deadline);

/// <summary>
/// A connection until both sides have shown who they are, on the poller's thread: with little memory, and a deadline.
/// </summary>
internal sealed class Connection : IPolled
{
    private readonly Poller poller;
    private readonly HandshakeTerms terms;
    private readonly Wire wire;
    private readonly TaskCompletionSource? connected;
    private readonly long began = Stopwatch.GetTimestamp();
    private HandshakeException? failure;
    private bool over;

    private Connection(Poller poller, HandshakeTerms terms, Socket socket, TaskCompletionSource? connected)
    {
        (this.poller, this.terms, this.connected, Socket) = (poller, terms, connected, socket);
        wire = new Wire(socket);
        poller.Add(this);
    }

    public Socket Socket { get; }

    public bool WantsRead => !IsConnecting;

    public bool WantsWrite => IsConnecting || wire.IsBacklogged;

    public bool IsOver => over;

    private bool IsConnecting => connected is { Task.IsCompleted: false };

    /// <summary>Somebody calls. Whoever has the connection asks it to <see cref="CheckDeadline"/>.</summary>
    /// <param name="done">Who it is and what to talk over; nothing where nothing more is wanted; or why it is refused.</param>
    public static Connection Accept(
        Poller poller, HandshakeTerms terms, Socket socket, Func<Greeting, Answer> judge, Action<Connection, Greeting?, Channel?, HandshakeException?> done)
    {
        var connection = new Connection(poller, terms, socket, null);
        _ = connection.AcceptAsync(judge, done);
        return connection;
    }

    /// <summary>Calls a peer.</summary>
    /// <param name="isWanted">As in <see cref="Handshake.DialAsync"/>.</param>
    /// <param name="done">How it ended, in words as well, and what to talk over.</param>
    public static void Dial(Poller poller, HandshakeTerms terms, IPAddress address, PeerId peer, Purpose purpose, Func<bool> isWanted, Action<Dialled, string, Channel?> done)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false, NoDelay = true };
        var error = SocketError.Success;
        try
        {
            socket.Connect(address, peer.Port);
        }
        catch (SocketException e)
        {
            error = e.SocketErrorCode;
        }

        var connected = new TaskCompletionSource();
        if (error is SocketError.Success)
            connected.SetResult();
        else if (error is not (SocketError.WouldBlock or SocketError.InProgress or SocketError.AlreadyInProgress))
            connected.SetException(new SocketException((int)error));
        var connection = new Connection(poller, terms, socket, connected);
        poller.Schedule(terms.Deadline + TimeSpan.FromMilliseconds(1), connection.CheckDeadline);
        _ = connection.DialAsync(peer, purpose, isWanted, done);
    }

    public void OnReadable() => wire.Feed();

    public void OnWritable()
    {
        if (IsConnecting)
        {
            int error = (int)Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
            if (error == 0)
                connected!.SetResult();
            else
                connected!.SetException(new SocketException(error));
            return;
        }

        try
        {
            wire.Flush();
        }
        catch (IOException)
        {
            Fail(new HandshakeException(Refusal.HungUp, "it hung up during the handshake"));
        }
    }

    public void OnTurnEnd()
    {
    }

    /// <summary>Ends it if its time is over.</summary>
    public void CheckDeadline()
    {
        if (Stopwatch.GetElapsedTime(began) >= terms.Deadline)
            Fail(new HandshakeException(Refusal.Slow, $"no handshake within {terms.Deadline.TotalSeconds:0.#} s"));
    }

    public void Fail(HandshakeException why)
    {
        if (over)
            return;
        failure ??= why;
        connected?.TrySetException(why);
        wire.End(new IOException(why.Message));
    }

    private async Task AcceptAsync(Func<Greeting, Answer> judge, Action<Connection, Greeting?, Channel?, HandshakeException?> done)
    {
        Greeting? greeting = null;
        SslStream? secure = null;
        try
        {
            secure = terms.Tls is null ? null : await terms.Tls.AcceptAsync(wire).ConfigureAwait(false);
            greeting = await Handshake.AcceptAsync(secure is null ? wire : secure, terms.Local, terms.SegmentBytes, judge).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            failure ??= e as HandshakeException ?? new HandshakeException(Refusal.HungUp, e.Message);
        }

        poller.Post(() => done(this, greeting, End(secure, greeting is not null), failure));
    }

    private async Task DialAsync(PeerId peer, Purpose purpose, Func<bool> isWanted, Action<Dialled, string, Channel?> done)
    {
        SslStream? secure = null;
        var (outcome, reason) = (Dialled.Answered, "it answers");
        try
        {
            await connected!.Task.ConfigureAwait(false);
            secure = terms.Tls is null ? null : await terms.Tls.DialAsync(wire).ConfigureAwait(false);
            var answer = await Handshake.DialAsync(secure is null ? wire : secure, terms.Local, peer, purpose, terms.SegmentBytes, isWanted).ConfigureAwait(false);
            if (answer is Answer.OtherIncarnation)
                (outcome, reason) = (Dialled.Dead, "another incarnation answers on its port");
            else if (answer is Answer.Crossed)
                outcome = Dialled.Crossed;
        }
        catch (Exception e)
        {
            (outcome, reason) = Of(failure ?? e);
        }

        poller.Post(() => done(outcome, reason, End(secure, outcome is Dialled.Answered && purpose is not Purpose.Probe)));
    }

    private Channel? End(SslStream? secure, bool keep)
    {
        over = true;
        poller.Remove(this);
        var channel = new Channel(wire, secure);
        if (keep)
            return channel;
        channel.Close();
        return null;
    }

    internal static (Dialled, string) Of(Exception e) => e switch
    {
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => (Dialled.Dead, "its port is refused"),
        SocketException { SocketErrorCode: SocketError.ConnectionReset } => (Dialled.HungUp, "it hung up during the handshake"),
        SocketException error => (Dialled.Silent, Wire.Sentence(error.SocketErrorCode)),
        HandshakeException { Refusal: Refusal.Slow } slow => (Dialled.Silent, slow.Message),
        HandshakeException { Refusal: Refusal.HungUp } hungUp => (Dialled.HungUp, hungUp.Message),
        HandshakeException refused => (Dialled.Refused, refused.Message),
        _ => (Dialled.HungUp, e.Message),
    };
}
