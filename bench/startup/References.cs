using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace Singa.Actors.Bench.Startup;

/// <summary>References to methods and types of other assemblies, public or not.</summary>
internal sealed class References
{
    private readonly Dictionary<string, AssemblyReferenceHandle> assemblies = [];
    private readonly Dictionary<Type, EntityHandle> types = [];

    public MetadataBuilder Metadata { get; } = new();

    public static string Assembly(Type type) => type.Assembly.GetName().Name!;

    /// <summary>The type that stands for all references in shared code.</summary>
    public static bool IsCanonical(Type type) => type.FullName == "System.__Canon";

    /// <summary>Null where the signature has what is not written here, as function pointers are.</summary>
    public EntityHandle? Method(MethodBase method)
    {
        // As it was written, with its parameters for types.
        var definition = method.Module.ResolveMethod(method.MetadataToken)!;
        var parameters = definition.GetParameters();
        Type result = definition is MethodInfo { ReturnType: var returned } ? returned : typeof(void);
        if (parameters.Select(p => p.ParameterType).Append(result).Any(HasFunctionPointer))
            return null;
        var blob = new BlobBuilder();
        int arity = definition.IsGenericMethod ? definition.GetGenericArguments().Length : 0;
        new BlobEncoder(blob).MethodSignature(genericParameterCount: arity, isInstanceMethod: !definition.IsStatic).Parameters(parameters.Length, out var returns, out var takes);
        if (definition is MethodInfo { ReturnParameter: { } back })
            Modify(returns.CustomModifiers(), back);
        if (result == typeof(void))
            returns.Void();
        else
            Write(result.IsByRef ? returns.Type(isByRef: true) : returns.Type(), result.IsByRef ? result.GetElementType()! : result);
        foreach (var parameter in parameters)
        {
            var type = parameter.ParameterType;
            var encoder = takes.AddParameter();
            Modify(encoder.CustomModifiers(), parameter);
            Write(encoder.Type(type.IsByRef), type.IsByRef ? type.GetElementType()! : type);
        }

        EntityHandle reference = Metadata.AddMemberReference(Type(method.DeclaringType!), Metadata.GetOrAddString(definition.Name), Metadata.GetOrAddBlob(blob));
        if (arity == 0)
            return reference;
        var instance = new BlobBuilder();
        var arguments = new BlobEncoder(instance).MethodSpecificationSignature(arity);
        foreach (var argument in method.GetGenericArguments())
            Write(arguments.AddArgument(), argument);
        return Metadata.AddMethodSpecification(reference, Metadata.GetOrAddBlob(instance));
    }

    private static bool HasFunctionPointer(Type type) =>
        type.IsFunctionPointer || type.IsUnmanagedFunctionPointer || (type.HasElementType && HasFunctionPointer(type.GetElementType()!)) || type.GetGenericArguments().Any(HasFunctionPointer);

    private void Modify(CustomModifiersEncoder encoder, ParameterInfo parameter)
    {
        foreach (var modifier in parameter.GetRequiredCustomModifiers())
            encoder.AddModifier(Type(modifier), isOptional: false);
        foreach (var modifier in parameter.GetOptionalCustomModifiers())
            encoder.AddModifier(Type(modifier), isOptional: true);
    }

    private EntityHandle Type(Type type)
    {
        if (types.TryGetValue(type, out var known))
            return known;
        if (type.HasElementType || (type.IsGenericType && !type.IsGenericTypeDefinition))
        {
            var blob = new BlobBuilder();
            Write(new BlobEncoder(blob).TypeSpecificationSignature(), type);
            return types[type] = Metadata.AddTypeSpecification(Metadata.GetOrAddBlob(blob));
        }

        EntityHandle scope = type.DeclaringType is { } outer ? Type(outer) : Scope(IsCanonical(type) ? "System.Private.Canon" : Assembly(type));
        return types[type] = Metadata.AddTypeReference(scope, type.DeclaringType is null ? Metadata.GetOrAddString(type.Namespace ?? "") : default, Metadata.GetOrAddString(type.Name));
    }

    private AssemblyReferenceHandle Scope(string assembly)
    {
        if (!assemblies.TryGetValue(assembly, out var handle))
            assemblies[assembly] = handle = Metadata.AddAssemblyReference(Metadata.GetOrAddString(assembly), new Version(0, 0), default, default, default, default);
        return handle;
    }

    private void Write(SignatureTypeEncoder encoder, Type type)
    {
        if (type.IsGenericTypeParameter)
            encoder.GenericTypeParameter(type.GenericParameterPosition);
        else if (type.IsGenericMethodParameter)
            encoder.GenericMethodTypeParameter(type.GenericParameterPosition);
        else if (type.IsPointer && type.GetElementType() == typeof(void))
            encoder.VoidPointer();
        else if (type.IsPointer)
            Write(encoder.Pointer(), type.GetElementType()!);
        else if (type.IsSZArray)
            Write(encoder.SZArray(), type.GetElementType()!);
        else if (type.IsArray)
            encoder.Array(element => Write(element, type.GetElementType()!), shape => shape.Shape(type.GetArrayRank(), [], [.. Enumerable.Repeat(0, type.GetArrayRank())]));
        else if (type.IsGenericType)
        {
            var arguments = encoder.GenericInstantiation(Type(type.GetGenericTypeDefinition()), type.GetGenericArguments().Length, type.IsValueType);
            foreach (var argument in type.GetGenericArguments())
                Write(arguments.AddArgument(), argument);
        }
        else if (Primitive(type) is { } code)
            encoder.PrimitiveType(code);
        else
            encoder.Type(Type(type), type.IsValueType);
    }

    private static PrimitiveTypeCode? Primitive(Type type) => type.IsEnum ? null : System.Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => PrimitiveTypeCode.Boolean,
        TypeCode.Char => PrimitiveTypeCode.Char,
        TypeCode.SByte => PrimitiveTypeCode.SByte,
        TypeCode.Byte => PrimitiveTypeCode.Byte,
        TypeCode.Int16 => PrimitiveTypeCode.Int16,
        TypeCode.UInt16 => PrimitiveTypeCode.UInt16,
        TypeCode.Int32 => PrimitiveTypeCode.Int32,
        TypeCode.UInt32 => PrimitiveTypeCode.UInt32,
        TypeCode.Int64 => PrimitiveTypeCode.Int64,
        TypeCode.UInt64 => PrimitiveTypeCode.UInt64,
        TypeCode.Single => PrimitiveTypeCode.Single,
        TypeCode.Double => PrimitiveTypeCode.Double,
        TypeCode.String => PrimitiveTypeCode.String,
        _ => type == typeof(nint) ? PrimitiveTypeCode.IntPtr : type == typeof(nuint) ? PrimitiveTypeCode.UIntPtr : type == typeof(object) ? PrimitiveTypeCode.Object
            : type == typeof(TypedReference) ? PrimitiveTypeCode.TypedReference : null,
    };
}
