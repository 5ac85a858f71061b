using Singa.Actors.Graph;

namespace Singa.Actors.Devices;

/// <summary>
/// A bucket's rows where the host can address them: <c>Count</c> rows of <c>Elements</c> elements one after the other, the first at
/// <c>Address</c>. There is always room for one row, so that a worker without a share of the batch has a place for the total.
/// An <c>Address</c> of 0 is a device that holds no data (see <see cref="Null.NullBackend"/>).
/// </summary>
public readonly record struct HostRows(nint Address, int Count, long Elements, DType DType)
{
    public long RowBytes => Elements * DType.Size();
}
