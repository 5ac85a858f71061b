using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices;

/// <summary>Carries out what no kernel does: bytes between host slots and blocks.</summary>
internal static class HostTransfer
{
    public static void Upload(LoadedPlan plan, UploadKernel upload, ReadOnlySpan<byte> source)
    {
        var (address, bytes) = Where(plan, upload.Target);
        plan.Backend.Upload(source[..bytes], address.Memory, address.Offset);
    }

    public static void Download(LoadedPlan plan, DownloadKernel download, Span<byte> target)
    {
        var (address, bytes) = Where(plan, download.Source);
        plan.Backend.Download(address.Memory, address.Offset, target[..bytes]);
    }

    /// <summary>Refuses buffers that are not what the section says, before anything runs.</summary>
    public static string? Mismatch(Section section, ReadOnlySpan<Memory<byte>> buffers)
    {
        if (buffers.Length != section.HostSlots.Length)
            return $"section '{section.Name}' takes {section.HostSlots.Length} host buffers and was given {buffers.Length}";
        for (int i = 0; i < buffers.Length; i++)
        {
            if (buffers[i].Length != section.HostSlots[i])
                return $"host buffer {i} of section '{section.Name}' must be {section.HostSlots[i]} bytes and is {buffers[i].Length}";
        }

        return null;
    }

    private static (BlockAddress Address, int Bytes) Where(LoadedPlan plan, Operand operand)
    {
        var address = plan.Addresses[operand.Block];
        int size = operand.DType.Size();
        return (address with { Offset = address.Offset + operand.Offset * size }, checked((int)(operand.Shape.Count * size)));
    }
}
