using System.Net.Security;
using System.Net.Sockets;

namespace Singa.Actors.Collective.Peers;

/// <summary>Hears what a link brings. Poller's thread.</summary>
internal interface ILinkOwner
{
    /// <exception cref="HandshakeException">The frame makes no sense; the link is closed.</exception>
    void Receive(Link link, in FrameHeader header, nint payload);

    void Closed(Link link, string reason);

    void Refuse(string refusal, string who, string detail);
}

/// <summary>The connection to a peer that has shown who it is: frames both ways. Sending is anybody's, the rest the poller's.</summary>
internal sealed class Link : IPolled, ISender
{
    private const int PlainBytes = 1 << 20;
    private const int SecureBytes = 128 * 1024;

    [ThreadStatic]
    private static List<(RowRun Run, int Use)>? sentHere;

    private readonly Poller poller;
    private readonly ILinkOwner owner;
    private readonly Wire wire;
    private readonly SslStream? secure;
    private readonly FrameReader reader;
    private readonly byte[] clear = [];
    private volatile bool blocked;
    private bool closed;

    /// <param name="secure">Null without TLS.</param>
    public Link(Poller poller, ILinkOwner owner, PeerId peer, Wire wire, SslStream? secure, int segmentBytes)
    {
        (this.poller, this.owner, this.wire, this.secure, Peer) = (poller, owner, wire, secure, peer);
        reader = new FrameReader(MostPayload(segmentBytes));
        Queue = new SendQueue(secure is null ? PlainBytes : SecureBytes);
        if (secure is null)
            return;
        wire.Widen();
        wire.IsCorked = true;
        clear = GC.AllocateUninitializedArray<byte>(SecureBytes + MostPayload(segmentBytes) + FrameHeader.Bytes, pinned: true);
    }

    public PeerId Peer { get; }

    public SendQueue Queue { get; }

    /// <summary>What the peer takes part in.</summary>
    public Dictionary<Devices.JobId, (Announcement Announcement, Farewell? Farewell)> Announced { get; } = [];

    /// <summary>Generations whose frames are welcome, by our number for them.</summary>
    public Dictionary<uint, (PeerTable Table, int Process)> Tables { get; } = [];

    public Socket Socket => wire.Socket;

    public bool WantsRead => true;

    public bool WantsWrite => blocked;

    /// <summary>The poller has it already: takes what came with the handshake.</summary>
    public void Start()
    {
        if (secure is not null)
        {
            _ = ReadAsync();
            return;
        }

        var buffered = wire.TakeBuffered();
        while (!closed && buffered.Length > 0)
        {
            var room = reader.Room().Span;
            int count = Math.Min(room.Length, buffered.Length);
            buffered[..count].CopyTo(room);
            buffered = buffered[count..];
            Take(count);
        }
    }

    /// <summary>Sends what can be sent now, whichever thread this is.</summary>
    public void Pump()
    {
        if (blocked)
            return;
        var sent = sentHere ?? [];
        sentHere = null;
        switch (Queue.Pump(this, sent))
        {
            case Pumped.Blocked:
                blocked = true;
                poller.Ring();
                break;
            case Pumped.Gone:
                poller.Post(() => Close("the connection was reset"));
                break;
        }

        foreach (var (run, use) in sent)
            run.Seats.Table.Sent(run, use);
        sent.Clear();
        sentHere = sent;
    }

    public void OnReadable()
    {
        if (secure is not null)
        {
            wire.Feed();
            return;
        }

        int count = Socket.Receive(reader.Room().Span, SocketFlags.None, out var error);
        if (error is SocketError.WouldBlock)
            return;
        if (error is not SocketError.Success)
            Close(Wire.Sentence(error));
        else if (count == 0)
            Close("the connection was closed");
        else
            Take(count);
    }

    public void OnWritable()
    {
        blocked = false;
        Pump();
    }

    public void OnTurnEnd()
    {
        if (!blocked && !Queue.IsEmpty)
            Pump();
    }

    /// <summary>Poller's thread.</summary>
    public void Close(string reason)
    {
        if (closed)
            return;
        closed = true;
        poller.Remove(this);
        // Whoever sends holds the queue: after this nobody does.
        Queue.Dispose();
        wire.Drop();
        wire.End();
        secure?.Dispose();
        Socket.Dispose();
        owner.Closed(this, reason);
    }

    long ISender.Send(ReadOnlySpan<Piece> pieces)
    {
        if (secure is null)
            return Gathering.Send(Socket, pieces);
        int length = 0;
        foreach (var piece in pieces)
        {
            length += piece.CopyTo(clear.AsSpan(length));
            if (length > SecureBytes)
                break;
        }

        secure.Write(clear, 0, length);
        return length;
    }

    bool ISender.Flush()
    {
        if (secure is null)
            return true;
        wire.Flush();
        return !wire.IsBacklogged;
    }

    // Frames of a few fields are smaller than this.
    private static int MostPayload(int segmentBytes) => Math.Max(segmentBytes, 32 * 1024);

    private async Task ReadAsync()
    {
        try
        {
            while (!closed)
            {
                int count = await secure!.ReadAsync(reader.Room()).ConfigureAwait(false);
                if (count == 0)
                {
                    Close("the connection was closed");
                    return;
                }

                Take(count);
            }
        }
        catch (Exception e)
        {
            // Whatever it is: a link that nobody reads must not stay.
            Close(e.InnerException is SocketException error ? Wire.Sentence(error.SocketErrorCode) : e.Message);
        }
    }

    private void Take(int count)
    {
        reader.Took(count);
        try
        {
            while (!closed && reader.TryNext(out var header, out nint payload))
                owner.Receive(this, header, payload);
        }
        catch (HandshakeException e)
        {
            owner.Refuse(e.Refusal, Peer.ToString(), e.Message);
            Close(e.Message);
        }
    }
}
