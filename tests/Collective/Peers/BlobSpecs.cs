namespace Singa.Actors.Collective.Tests.Peers;

public sealed class BlobSpecs
{
    private const string Secret = "correct horse battery";

    [Theory]
    [InlineData(0, null)]
    [InlineData(1, null)]
    [InlineData(3_000_000, null)]
    [InlineData(3_000_000, Secret)]
    public async Task What_is_published_is_fetched(int length, string? secret)
    {
        using var planes = new Planes(2, secret);
        byte[] content = Random(length);
        string name = Blob.NameOf(content);
        planes[0].Publish(name, Blob.Of(content));
        Assert.Equal(content, (await Fetch(planes[1], name, planes[0])).Content.ToArray());
        planes[0].Withdraw(name);
        Assert.Contains($"it has nothing named {name}", await Refusal(planes[1], name, planes[0]));
    }

    [Fact]
    public async Task Content_that_is_not_what_its_name_says_is_refused_and_another_source_asked()
    {
        using var planes = new Planes(3);
        byte[] content = Random(700_000), forged = Random(700_000);
        forged[5]++;
        string name = Blob.NameOf(content);
        planes[0].Publish(name, Blob.Of(forged));
        Assert.Contains($"what it sent is not {name}", await Refusal(planes[2], name, planes[0]));
        planes[1].Publish(name, Blob.Of(content));
        Assert.Equal(content, (await Fetch(planes[2], name, planes[0], planes[1])).Content.ToArray());
    }

    [Fact]
    public async Task Where_a_source_fails_the_next_goes_on_from_there()
    {
        using var planes = new Planes(3);
        byte[] content = Random(2_000_000);
        string name = Blob.NameOf(content);
        long firstAsked = long.MaxValue;
        planes[0].Publish(name, new Blob(content.Length, (offset, into) =>
        {
            if (offset + into.Length > 1_000_000)
                throw new IOException("the disk is broken");
            content.AsSpan((int)offset, into.Length).CopyTo(into);
        }));
        planes[1].Publish(name, new Blob(content.Length, (offset, into) =>
        {
            firstAsked = Math.Min(firstAsked, offset);
            content.AsSpan((int)offset, into.Length).CopyTo(into);
        }));
        Assert.Contains("the disk is broken", await Refusal(planes[2], name, planes[0]));
        Assert.Equal(content, (await Fetch(planes[2], name, planes[0], planes[1])).Content.ToArray());
        Assert.InRange(firstAsked, 500_000, 1_000_000);
    }

    [Fact]
    public async Task Too_much_is_refused_before_it_is_taken()
    {
        using var planes = new Planes(2);
        planes[0].Publish("a replica", Blob.Of(Random(1001)));
        var e = await Assert.ThrowsAsync<DataPlaneException>(() => planes[1].FetchAsync([planes[0].Local], "a replica", new MemorySink(), 1000));
        Assert.Equal("a replica has 1001 bytes, and 1000 are the most that is taken here", e.Message);
    }

    [Fact]
    public async Task Whoever_is_dead_or_has_another_life_is_named()
    {
        using var planes = new Planes(2);
        planes[0].Publish("a replica", Blob.Of(Random(10)));
        var past = planes[0].Local with { Incarnation = 1 };
        var e = await Assert.ThrowsAsync<DataPlaneException>(() => planes[1].FetchAsync([past], "a replica", new MemorySink(), 1000));
        Assert.Equal($"a replica could not be fetched from {past}: another incarnation answers on its port", e.Message);
        planes[0].Dispose();
        Assert.Contains("its port is refused", await Refusal(planes[1], "a replica", planes[0]));
        Assert.Contains("nobody is known to have a replica", await Refusal(planes[1], "a replica"));
    }

    [Fact]
    public async Task One_may_fetch_from_oneself()
    {
        using var planes = new Planes(1);
        byte[] content = Random(300_000);
        planes[0].Publish("a replica", Blob.Of(content));
        Assert.Equal(content, (await Fetch(planes[0], "a replica", planes[0])).Content.ToArray());
    }

    [Fact]
    public async Task Many_fetch_at_once()
    {
        using var planes = new Planes(2, change: s => s with { BlobTransfers = 2 });
        byte[] content = Random(500_000);
        planes[0].Publish("a replica", Blob.Of(content));
        var sinks = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Fetch(planes[1], "a replica", planes[0])));
        Assert.All(sinks, s => Assert.True(s.Content.Span.SequenceEqual(content)));
    }

    [Fact]
    public async Task A_fetch_can_be_given_up()
    {
        using var planes = new Planes(2);
        using var cancel = new CancellationTokenSource();
        planes[0].Publish("a replica", new Blob(1 << 20, (_, _) => cancel.Cancel()));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => planes[1].FetchAsync([planes[0].Local, planes[0].Local], "a replica", new Stuck(cancel.Token), 1 << 20, cancel.Token));
    }

    private static byte[] Random(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static async Task<MemorySink> Fetch(DataPlane plane, string name, params DataPlane[] sources)
    {
        var sink = new MemorySink();
        await plane.FetchAsync([.. sources.Select(s => s.Local)], name, sink, 1 << 30);
        return sink;
    }

    private static async Task<string> Refusal(DataPlane plane, string name, params DataPlane[] sources) =>
        (await Assert.ThrowsAsync<DataPlaneException>(() => Fetch(plane, name, sources))).Message;

    private sealed class Stuck(CancellationToken until) : IBlobSink
    {
        public void Begin(long length) => until.WaitHandle.WaitOne();

        public void Write(ReadOnlySpan<byte> bytes)
        {
        }
    }
}
