using System.Net;
using System.Net.Sockets;

namespace Singa.Actors.Collective.Peers;

/// <summary>
/// Where others knock: takes connections and lets in who shows who it is. Strangers cost little: their number is bounded for each address
/// and in all, the oldest makes room for a new one, and each has a deadline. Poller's thread.
/// </summary>
internal sealed class Door : IPolled
{
    private const int MostAtOnce = 16;
    private const int MostStrangers = 256;
    private const int Backlog = 512;

    private readonly Poller poller;
    private readonly HandshakeTerms terms;
    private readonly int perAddress;
    private readonly Refusals refusals;
    private readonly PeerBook book;
    private readonly Action<PeerId, Channel> blobs;
    private readonly List<(Connection Connection, IPAddress Address)> strangers = [];
    private bool isSweepDue;

    public Door(Poller poller, HandshakeTerms terms, Socket listener, int perAddress, Refusals refusals, PeerBook book, Action<PeerId, Channel> blobs)
    {
        (this.poller, this.terms, this.perAddress, this.refusals, this.book, this.blobs, Socket) = (poller, terms, perAddress, refusals, book, blobs, listener);
        listener.Listen(Backlog);
        listener.Blocking = false;
    }

    public Socket Socket { get; }

    public bool WantsRead => true;

    public bool WantsWrite => false;

    public void OnReadable()
    {
        for (int i = 0; i < MostAtOnce; i++)
        {
            Socket socket;
            try
            {
                socket = Socket.Accept();
            }
            catch (SocketException)
            {
                // Nobody more, or whoever knocked has gone; out of file descriptors it is tried again in the next turn.
                return;
            }

            Greet(socket);
        }
    }

    public void OnWritable()
    {
    }

    public void OnTurnEnd()
    {
    }

    public void Close()
    {
        poller.Remove(this);
        Socket.Dispose();
        foreach (var (connection, _) in strangers.ToArray())
            connection.Fail(new HandshakeException(Refusal.HungUp, "this process ends"));
    }

    /// <summary>One timer for all: a flood is not to leave one behind for each of its connections.</summary>
    private void SweepLater()
    {
        if (isSweepDue || strangers.Count == 0)
            return;
        isSweepDue = true;
        poller.Schedule(terms.Deadline / 4, () =>
        {
            isSweepDue = false;
            foreach (var (connection, _) in strangers.ToArray())
                connection.CheckDeadline();
            SweepLater();
        });
    }

    private void Greet(Socket socket)
    {
        IPAddress address;
        try
        {
            socket.Blocking = false;
            socket.NoDelay = true;
            address = ((IPEndPoint)socket.RemoteEndPoint!).Address;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return;
        }

        if (strangers.Count(s => s.Address.Equals(address)) >= perAddress)
            strangers.First(s => s.Address.Equals(address)).Connection.Fail(Flood());
        else if (strangers.Count >= MostStrangers)
            strangers[0].Connection.Fail(Flood());
        Connection? own = null;
        own = Connection.Accept(poller, terms, socket, greeting => book.Judge(own!, greeting), (connection, greeting, channel, failure) =>
        {
            strangers.RemoveAll(s => s.Connection == connection);
            if (failure is not null)
                refusals.Count(failure.Refusal, address.ToString(), failure.Message);
            if (channel is null)
                book.Unanswered(connection);
            else if (greeting!.Purpose is Purpose.Blob)
                blobs(greeting.Peer, channel);
            else
                book.Accepted(connection, greeting.Peer, channel);
        });
        if (!own.IsOver)
            strangers.Add((own, address));
        SweepLater();

        HandshakeException Flood() => new(Refusal.Flood, $"more than {perAddress} connections at once before any has shown who it is");
    }
}
