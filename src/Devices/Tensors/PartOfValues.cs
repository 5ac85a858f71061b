using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tensors;

/// <summary>A part of other values as values of their own.</summary>
internal sealed class PartOfValues(Region region) : TensorValues
{
    public override long Bytes => region.Type.Bytes;

    public override void CopyTo(long offset, Span<byte> target)
    {
        Check(offset, target.Length);
        region.CopyTo(offset, target);
    }
}
