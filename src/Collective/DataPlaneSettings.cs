using Akka.Configuration;
using Singa.Actors.Devices;

namespace Singa.Actors.Collective;

/// <summary>
/// <c>singa.collective</c>, the part of the data plane; <c>hocon/reference.conf</c> explains each key. <c>Host</c> and <c>Port</c> are what it
/// binds and others reach it by; port 0 is any that is free.
/// </summary>
public sealed record DataPlaneSettings(
    string Host, int Port, int SegmentBytes, TimeSpan HandshakeTimeout, TimeSpan ProbeTimeout, TimeSpan RedialInterval, int StrangersPerAddress,
    int BlobTransfers, TimeSpan BlobTimeout)
{
    private const int Grain = 4096;
    private const int LargestSegment = 4 << 20;

    /// <param name="config">A host's configuration; defaults fill what it leaves out.</param>
    /// <exception cref="ConfigurationException">A value is out of range.</exception>
    public static DataPlaneSettings From(Config? config, string host, int port)
    {
        var collective = SingaConfig.WithReference(config).GetConfig("singa.collective");
        long segment = collective.GetByteSize("segment-size") ?? 0;
        if (segment is < Grain or > LargestSegment || segment % Grain != 0)
            throw new ConfigurationException($"singa.collective.segment-size is {segment} bytes; take a multiple of {Grain} up to {LargestSegment}");
        return new DataPlaneSettings(
            host, port, (int)segment, Time("handshake-timeout"), Time("probe-timeout"), Time("redial-interval"), Count("strangers-per-address"),
            Count("blob-transfers"), Time("blob-timeout"));

        TimeSpan Time(string key) => collective.GetTimeSpan(key, allowInfinite: false) is var time && time > TimeSpan.Zero
            ? time
            : throw new ConfigurationException($"singa.collective.{key} must be longer than nothing");

        int Count(string key) => collective.GetInt(key) is var count and > 0
            ? count
            : throw new ConfigurationException($"singa.collective.{key} is {collective.GetInt(key)}; it must be at least 1");
    }
}
